package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

// clientVerb groups what is done about RADIUS clients.
func clientVerb() verb {
	return verb{
		name: "client", summary: "list RADIUS clients, forget what was learned about one",
		sub: []verb{clientListVerb(), clientForgetVerb()},
	}
}

func clientListVerb() verb {
	return verb{
		name: "list", summary: "list the RADIUS clients and what was learned about them", usage: "[--json]",
		examples: []string{"sallyport client list", "sallyport client list --json"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); jsonFlag(fs) },
		run:      listClients,
	}
}

func clientForgetVerb() verb {
	return verb{
		name: "forget", summary: "forget whether a client sends Message-Authenticator", usage: "NAME [--yes]",
		examples: []string{"sallyport client forget vpn", "sallyport client forget vpn --yes"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); yesFlag(fs) },
		run:      forgetClient,
	}
}

func listClients(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	list, err := adminCaller(e, fs).Clients(ctx)
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, list)
	}
	rows := [][]string{{"NAME", "ADDRESSES", "POLICY", "MESSAGE-AUTHENTICATOR", "LEARNED"}}
	for _, c := range list.Clients {
		rows = append(rows, []string{c.Name, strings.Join(c.Addresses, ","), c.Policy, rule(c), learned(c, list.Now)})
	}
	return printTable(e.stdout, rows...)
}

func rule(c admin.Client) string {
	if !c.Configured {
		return "not configured any more"
	}
	return c.MessageAuthenticator
}

// learned counts the addresses that sign and says when that was last learned, and counts those that do not.
func learned(c admin.Client, now time.Time) string {
	var last time.Time
	signing, without := 0, 0
	for _, l := range c.Learned {
		if l.Unsigned {
			without++
			continue
		}
		signing++
		for _, at := range []time.Time{l.Since, l.Seen} {
			if at.After(last) {
				last = at
			}
		}
	}
	var facts []string
	if signing > 0 {
		facts = append(facts, fmt.Sprintf("%d, last %s", signing, ago(last, now)))
	}
	if without > 0 {
		facts = append(facts, fmt.Sprintf("%d without it", without))
	}
	return strings.Join(facts, "; ")
}

func forgetClient(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	name, err := oneArg(args, "client")
	if err != nil {
		return err
	}
	question := fmt.Sprintf("accept requests of %s without Message-Authenticator until it sends one again", printable(name))
	if err := confirm(ctx, e, isSet(fs, "yes"), question); err != nil {
		return err
	}
	forgotten, err := adminCaller(e, fs).Forget(ctx, name)
	if err != nil {
		return adminError(err)
	}
	fmt.Fprintf(e.stdout, "%s: %d addresses forgotten\n", printable(name), forgotten.Addresses)
	return nil
}
