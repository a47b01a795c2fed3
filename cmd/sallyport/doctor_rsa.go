package main

import (
	"context"
	"time"

	"sallyport/factors/securid"
	"sallyport/radius"
)

// rsa sends each server of [factors.securid] the signed and the unsigned probe, and tells what their
// answers mean. They carry a name that nobody has, so that no token is touched.
func (d doctor) rsa(ctx context.Context) {
	table := d.cfg.Factors.SecurID
	if table == nil {
		d.absent(securid.Name, errNotConfigured)
		return
	}
	upstream, err := d.cfg.Upstream(*table, d.log, d.now)
	if err != nil {
		d.absent(securid.Name, err)
		return
	}
	defer upstream.Close()
	for _, p := range atOnce(table.Servers, func(server string) radius.ProbeReport { return upstream.Probe(ctx, server) }) {
		d.rsaServer(p)
	}
}

func (d doctor) rsaServer(p radius.ProbeReport) {
	subject := "factors.securid " + p.Server
	message := string(p.Row) + ": signed login " + string(p.Signed) + ", unsigned " + string(p.Unsigned) + ", Status-Server " + string(p.Status)
	if p.Detail != "" {
		message += "; " + p.Detail
	}
	switch p.Row {
	case radius.RowReady, radius.RowSignedOnly:
		d.ok(subject, "%s, in %s", message, p.Took.Round(time.Millisecond))
	default:
		d.fail(subject, message, p.Remedy)
		return
	}
	if !p.Signature {
		d.warn(subject, "its replies do not begin with Message-Authenticator (CVE-2024-3596)",
			"Update the server or have it sign its replies, then set message_authenticator = \"required\".")
	}
}
