package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func userResetVerb() verb {
	return verb{
		name: "reset", summary: "remove a user's registration, and open the way to a new one",
		usage: "USER [--factor FACTOR] [--then invite|window|nothing] [--for DURATION] [--renew] [--yes]",
		note:  "With --renew nothing is removed: the user registers anew after the next login.",
		examples: []string{
			"sallyport user reset alice",
			"sallyport user reset alice --factor totp --then window --for 1h --yes",
			"sallyport user reset alice --renew --yes",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			factorFlag(fs)
			fs.String("then", "", "the `way` back: invite prints a code to register with, window lets whoever knows\nthe password register for a while, nothing leaves it closed (default invite)")
			fs.Duration("for", 0, fmt.Sprintf("how long it is good (default %s for an invitation, %s for a window)", human(admin.DefaultCodeLife), human(admin.DefaultWindow)))
			fs.Bool("renew", false, "remove nothing, but ask for a new registration")
			yesFlag(fs)
		},
		run: resetUser,
	}
}

func resetUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := checkWayBack(fs); err != nil {
		return err
	}
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
	printNotes(e, p.news(r.Notes))
	printReset(e, p, act, r)
	return nil
}

// checkWayBack refuses flags that contradict one another before anybody is asked anything.
func checkWayBack(fs *pflag.FlagSet) error {
	then, ways := text(fs, "then"), []string{admin.ThenInvite, admin.ThenWindow, admin.ThenNothing}
	switch {
	case then != "" && !slices.Contains(ways, then):
		return usageErrorf("--then is one of %s", strings.Join(ways, ", "))
	case isSet(fs, "renew") && (then != "" || fs.Changed("for")):
		return usageErrorf("--renew removes nothing, so there is no way back to open: leave out --then and --for")
	case then == admin.ThenNothing && fs.Changed("for"):
		return usageErrorf("--then nothing opens nothing: leave out --for")
	}
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
		fmt.Fprintf(e.stdout, "a new one is possible with the password and the invitation %s%s\n", r.Invitation, end)
		fmt.Fprintln(e.stdout, "it is shown once: give it to the person on a way that shows who they are")
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
