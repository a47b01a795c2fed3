package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/factors/email"
	"sallyport/factors/sms"
	"sallyport/login"
)

// factor builds a factor as the daemon does; errNotConfigured when it has no table.
func (d doctor) factor(name string) (login.Factor, error) {
	for _, k := range d.cfg.Factors.Kinds() {
		if k.Name == name && k.Configured {
			return k.Build(d.cfg.FactorDeps(d.log, d.now))
		}
	}
	return nil, errNotConfigured
}

// absent notes why a factor cannot be looked at.
func (d doctor) absent(name string, err error) {
	subject := "factors." + name
	if errors.Is(err, errNotConfigured) {
		d.ok(subject, "not configured")
		return
	}
	d.fail(subject, err.Error(), "Correct the table: \"sallyport check-config\".")
}

// mail logs in at each mail server and sends nothing.
func (d doctor) mail(ctx context.Context) {
	f, err := d.factor(email.Name)
	if err != nil {
		d.absent(email.Name, err)
		return
	}
	for _, c := range f.(*email.Factor).Check(ctx) {
		subject := "factors.email " + c.Server
		if c.Err != nil {
			d.fail(subject, c.Err.Error(), remedy(c.Err, "Check the address and port, the certificate (ca_file, server_name), and the account (username, password_file, auth)."))
			continue
		}
		d.ok(subject, "%s, %s", orWord(c.TLS, "no TLS"), orWord(prefixed("AUTH ", c.Mechanism), "no AUTH"))
	}
}

// gateways connects to each SMS gateway and sends nothing.
func (d doctor) gateways(ctx context.Context) {
	f, err := d.factor(sms.Name)
	if err != nil {
		d.absent(sms.Name, err)
		return
	}
	for _, r := range f.(*sms.Factor).Check(ctx) {
		subject := "factors.sms " + r.Server
		if r.Err != nil {
			d.fail(subject, r.Err.Error(), remedy(r.Err, "Check the URL, the proxy, and whether a firewall lets this machine out."))
			continue
		}
		d.ok(subject, "%s, connected in %s; whether it takes messages only --send-to tells", orWord(r.TLS, "no TLS"), r.Took.Round(time.Millisecond))
	}
}

// testCode stands in a test message.
const testCode = "000000"

// send sends a test message by mail or telephone, as the address says and the topic allows.
func (d doctor) send(ctx context.Context, chosen []check) error {
	name := sms.Name
	if strings.Contains(d.sendTo, "@") {
		name = email.Name
	}
	topic := map[string]string{email.Name: "smtp", sms.Name: "sms"}[name]
	if !slices.ContainsFunc(chosen, func(c check) bool { return c.topic == topic }) {
		return usageErrorf("--send-to has an address for %q", "sallyport doctor "+topic)
	}
	f, err := d.factor(name)
	if err != nil {
		return usageErrorf("--send-to: [factors.%s]: %w", name, err)
	}
	sender := f.(login.Sender)
	to, err := sender.ParseAddress(d.sendTo)
	if err != nil {
		return usageErrorf("--send-to: %w", err)
	}
	subject := fmt.Sprintf("factors.%s to %s", name, to.Masked)
	began := d.now()
	server, err := sender.Send(ctx, login.Message{To: to, Code: testCode, User: probeName, Life: time.Minute})
	if err != nil {
		d.fail(subject, err.Error(), "The server's own log says why it refused the message.")
		return nil
	}
	d.ok(subject, "%s took a test message with the code %s in %s", server, testCode, d.sinceText(began))
	return nil
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
