package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/login"
	"sallyport/radius"
)

const (
	defaultServer = "127.0.0.1:1812"
	radiusPort    = "1812" // RFC 2865 §3
)

// loginVerb is a RADIUS client for the terminal.
func loginVerb() verb {
	return verb{
		name: "login", summary: "log in over RADIUS at the terminal, prompt by prompt",
		usage: "[USER] [--server ADDRESS:PORT]... [--secret-file FILE]",
		note:  `Each request carries Message-Authenticator, from which a server with message_authenticator = "auto" learns nothing while the NAS-Identifier begins with "sallyport-login"; from another one it does ("sallyport client forget").`,
		examples: []string{
			"sallyport login alice",
			"sallyport login bob --server radius.example.com --secret-file ./secret --verbose",
			"sallyport login bob --server node1 --server node2 --secret-file ./secret",
		},
		exits: `0   accepted
1   rejected
2   the command line is wrong
69  no reply from the server`,
		flags: func(fs *pflag.FlagSet) {
			fs.StringArray("server", []string{defaultServer}, "the RADIUS server's `address` and port (1812 when left out);\ngiven again: the next one to ask when one is silent")
			fs.String("secret-file", "", "the `file` with the shared secret (default the demo's, when the server is on loopback)")
			fs.String("nas-identifier", radius.TerminalIdentifier, "the NAS-Identifier to send; from another one the server learns\nthat this client sends Message-Authenticator")
			fs.String("calling-station-id", "", "the Calling-Station-Id to send")
			fs.Uint32("vendor-id", radius.DefaultVendorID, "the vendor `number` of the Sallyport attributes, as the server has it")
			fs.Bool("no-qr", false, "do not draw the QR code of a registration")
			fs.BoolP("verbose", "v", false, "show each packet on stderr, secrets masked")
		},
		run: runLogin,
	}
}

func runLogin(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if len(args) > 1 {
		return usageErrorf("one user at a time; %q is too much", args[1])
	}
	names, err := fs.GetStringArray("server")
	if err != nil {
		return err
	}
	for i, name := range names {
		names[i] = withPort(name)
	}
	secret, err := sharedSecret(e, names, text(fs, "secret-file"))
	if err != nil {
		return err
	}
	vendor, err := fs.GetUint32("vendor-id")
	if err != nil {
		return err
	}
	asked, err := dialServers(names, radius.CallerConfig{Secret: secret, VendorID: vendor}, e.stderr)
	if err != nil {
		return err
	}
	accepted, err := runDialogue(ctx, e.stdout, loginDialogue(e, fs, args, asked))
	if err == nil && !accepted {
		err = &exitError{code: exitFailed}
	}
	return errors.Join(loginError(err), asked.close())
}

// loginError says why there was no verdict.
func loginError(err error) error {
	var silence *radius.NoReplyError
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case errors.As(err, &silence):
		return &exitError{exitUnreachable, fmt.Errorf("%w\n%s", err, silenceHint)}
	case errors.Is(err, io.EOF):
		return errors.New("stdin ended before the login did")
	}
	return err
}

// silenceHint says what to look at when no authentic reply comes: a RADIUS server does not tell.
const silenceHint = `check the address (--server), that the server has this machine as a client,
and that both have the same shared secret (--secret-file); the server's log says why it dropped a request`

func loginDialogue(e env, fs *pflag.FlagSet, args []string, asked *servers) dialogueConfig {
	typing := terminal{e.stdin, e.stdout}
	cfg := dialogueConfig{
		exchange: asked.exchange,
		answer: func(ctx context.Context, q question) (string, error) {
			return typing.ask(ctx, q.prompt, q.echo)
		},
		nasIdentifier:    text(fs, "nas-identifier"),
		callingStationID: text(fs, "calling-station-id"),
		qr:               !isSet(fs, "no-qr"),
		colours:          isTerminal(e.stdout) && e.getenv("NO_COLOR") == "",
		now:              time.Now,
	}
	if len(args) == 1 {
		cfg.username = args[0]
	}
	if isSet(fs, "verbose") {
		cfg.trace = tracePackets(e.stderr)
	}
	return cfg
}

// sharedSecret reads the file, or takes the demo's secret where only a demo can be meant.
func sharedSecret(e env, servers []string, file string) (login.Secret, error) {
	if file != "" {
		content, err := readBounded(file, maxToken+1) // which may be a pipe
		if err != nil {
			return "", fmt.Errorf("read the shared secret: %w", err)
		}
		secret, invisible, err := login.ParseSecret(content)
		if err != nil {
			return "", fmt.Errorf("%s %w: it must hold the shared secret", file, err)
		}
		if invisible != "" {
			fmt.Fprintf(e.stderr, "sallyport: warning: %s %s\n", file, invisible)
		}
		return secret, nil
	}
	if i := slices.IndexFunc(servers, func(s string) bool { return !isLoopback(s) }); i >= 0 {
		return "", usageErrorf("--secret-file is needed: the file with the secret that this machine shares with %s", servers[i])
	}
	fmt.Fprintln(e.stderr, "sallyport: using the demo's shared secret; give --secret-file for another server")
	return demoSecret, nil
}

func isLoopback(server string) bool {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withPort adds the port of RADIUS to an address without one.
func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), radiusPort)
}
