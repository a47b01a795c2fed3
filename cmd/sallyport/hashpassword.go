package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"sallyport/directory/local"
	"sallyport/login"
)

func hashPasswordVerb() verb {
	return verb{
		name: "hash-password", summary: "make a local user out of a name and a password",
		usage: "NAME",
		examples: []string{
			"sallyport user hash-password alice >> /etc/sallyport/local-users.toml",
			"pass show alice | sallyport user hash-password alice",
		},
		exits: "0  done\n1  the password cannot be one\n2  the command line is wrong",
		run:   hashPassword,
	}
}

// hashPassword prints a [[users]] table. The password comes from a hidden prompt or from stdin,
// never from an argument, which everyone on the machine can read.
func hashPassword(ctx context.Context, e env, _ *pflag.FlagSet, args []string) error {
	name, err := oneArg(args, "user")
	if err != nil {
		return err
	}
	if _, err := login.Normalize(name); err != nil {
		return usageErrorf("%q is not a username: %w", name, err)
	}
	password, err := newPassword(ctx, e)
	if err != nil {
		return err
	}
	hash, err := local.Hash(password)
	if err != nil {
		return err
	}
	table, err := local.Table(name, hash)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.stdout, table)
	return err
}

// newPassword asks twice at a terminal, where nobody sees what is typed.
func newPassword(ctx context.Context, e env) (string, error) {
	t := terminal{e.stdin, e.stderr}
	password, err := t.ask(ctx, "Password: ", false)
	if err != nil || !isTerminal(e.stdin) {
		return password, err
	}
	again, err := t.ask(ctx, "Password again: ", false)
	if err == nil && again != password {
		err = errors.New("the two passwords differ: nothing was made")
	}
	return password, err
}
