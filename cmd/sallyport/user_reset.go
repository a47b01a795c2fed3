package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func userResetVerb() verb {
	return verb{
		name: "reset", summary: "remove a user's registration, and open the way to a new one",
		usage: "USER [--factor FACTOR] [--then window|invite|nothing] [--for DURATION] [--renew] [--yes]",
		note:  "With --renew nothing is removed: the user registers anew after the next login.",
		examples: []string{
			"sallyport user reset alice",
			"sallyport user reset alice --factor totp --then invite --yes",
			"sallyport user reset alice --renew --yes",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			factorFlag(fs)
			fs.String("then", "", "the `way` back: window lets whoever knows the password register for a while,\ninvite prints a code to register with, nothing leaves it closed (default window)")
			forFlag(fs, admin.DefaultWindow)
			fs.Bool("renew", false, "remove nothing, but ask for a new registration")
			yesFlag(fs)
		},
		run: resetUser,
	}
}

func resetUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	p, err := findPerson(ctx, e, fs, args)
	if err != nil {
		return err
	}
	act := admin.ResetAct{UserAct: p.act(fs), Then: text(fs, "then"), Renew: isSet(fs, "renew")}
	if fs.Changed("for") {
		act.ForSeconds = seconds(fs)
	}
	question := "remove the registration of %s with %s"
	if act.Renew {
		question = "have %s register anew with %s"
	}
	if err := confirm(ctx, e, isSet(fs, "yes"), fmt.Sprintf(question, p, orAll(act.Factor))); err != nil {
		return err
	}
	r, err := p.caller.Reset(ctx, act)
	if err != nil {
		return adminError(err)
	}
	printReset(e, p, act, r)
	return nil
}

// printReset says what was done, and how the user gets in again.
func printReset(e env, p person, act admin.ResetAct, r admin.ResetReply) {
	end := until(r.Until, r.Now)
	switch {
	case act.Renew:
		fmt.Fprintf(e.stdout, "%s: registers anew after the next login\n", p)
	case r.Invitation != "":
		fmt.Fprintf(e.stdout, "%s: registration removed\n", p)
		fmt.Fprintf(e.stdout, "a new one is possible with the invitation %s%s\n", r.Invitation, end)
	case r.Until != nil:
		fmt.Fprintf(e.stdout, "%s: registration removed\n", p)
		fmt.Fprintf(e.stdout, "a new one is possible with the password alone%s, unless the policy is closed\n", end)
	default:
		fmt.Fprintf(e.stdout, "%s: registration removed\n", p)
	}
}

func orAll(factor string) string {
	if factor == "" {
		return "all factors"
	}
	return factor
}
