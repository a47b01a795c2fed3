package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func userInviteVerb() verb {
	return verb{
		name: "invite", summary: "issue a code that allows a user one registration",
		usage:    "USER [--for DURATION] [--json]",
		note:     "The code is printed once. It takes the place of an earlier one.",
		examples: []string{"sallyport user invite alice", "sallyport user invite alice --for 48h"},
		exits:    adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			forFlag(fs, admin.DefaultCodeLife)
			jsonFlag(fs)
		},
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			return issueCodes(ctx, e, fs, args, goodFor("invitation"), func(p person) (admin.CodesReply, error) {
				return p.caller.Invite(ctx, admin.InviteAct{UserAct: p.act(fs), ForSeconds: seconds(fs)})
			})
		},
	}
}

func userBypassVerb() verb {
	return verb{
		name: "bypass", summary: "issue a code that stands in for a user's second factor",
		usage:    "USER --reason TEXT [--uses N] [--for DURATION] [--json]",
		note:     "The code is printed once. It takes the place of an earlier one, and the user is told.",
		examples: []string{`sallyport user bypass alice --reason "telephone lost, ticket 4711" --uses 2 --for 8h`},
		exits:    adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			fs.String("reason", "", "why: it is kept and audited; needed")
			fs.Uint32("uses", 1, fmt.Sprintf("how often the code may be used, at most %d", admin.MaxBypassUses))
			forFlag(fs, admin.DefaultCodeLife)
			jsonFlag(fs)
		},
		run: bypassUser,
	}
}

func userRecoveryVerb() verb {
	return verb{
		name: "recovery-codes", summary: "make ten recovery codes for a user, each good once",
		usage:    "USER [--json]",
		note:     "The codes are printed once. They take the place of earlier ones, and the user is told.",
		examples: []string{"sallyport user recovery-codes alice"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); directoryFlag(fs); jsonFlag(fs) },
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			heading := func(admin.CodesReply) string { return "ten recovery codes, each good once" }
			return issueCodes(ctx, e, fs, args, heading, func(p person) (admin.CodesReply, error) {
				return p.caller.RecoveryCodes(ctx, p.act(fs))
			})
		},
	}
}

// forFlag declares how long something is to be good.
func forFlag(fs *pflag.FlagSet, preset time.Duration) {
	fs.Duration("for", preset, "how long it is good")
}

// seconds is what forFlag was set to.
func seconds(fs *pflag.FlagSet) int64 {
	d, err := fs.GetDuration("for")
	if err != nil {
		return 0 // the verb has none
	}
	if d >= 0 && d < time.Second {
		return 1 // too short as well, while 0 would be the default
	}
	return int64(d / time.Second)
}

func bypassUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if text(fs, "reason") == "" {
		return usageErrorf("say why with --reason")
	}
	uses, err := fs.GetUint32("uses")
	if err != nil || uses == 0 {
		return usageErrorf("--uses is at least 1")
	}
	return issueCodes(ctx, e, fs, args, goodFor("bypass code"), func(p person) (admin.CodesReply, error) {
		return p.caller.Bypass(ctx, admin.BypassAct{
			UserAct: p.act(fs), Reason: text(fs, "reason"), Uses: uses, ForSeconds: seconds(fs),
		})
	})
}

// issueCodes writes fresh codes to stdout, one a line and nothing else, and what they are to stderr.
func issueCodes(ctx context.Context, e env, fs *pflag.FlagSet, args []string, heading func(admin.CodesReply) string,
	issue func(person) (admin.CodesReply, error)) error {
	p, err := findPerson(ctx, e, fs, args)
	if err != nil {
		return err
	}
	r, err := issue(p)
	switch {
	case err != nil:
		return adminError(err)
	case isSet(fs, "json"):
		return printJSON(e.stdout, r)
	}
	printNotes(e, p.news(r.Notes))
	fmt.Fprintf(e.stderr, "%s: %s; shown this once\n", p, heading(r))
	for _, code := range r.Codes {
		fmt.Fprintln(e.stdout, code)
	}
	return nil
}

// goodFor is the heading of a code that may be used some times until its end.
func goodFor(what string) func(admin.CodesReply) string {
	return func(r admin.CodesReply) string {
		return fmt.Sprintf("%s, good for %s%s", what, plural(r.Uses, "use"), until(r.Until, r.Now))
	}
}

// until says when something ends, "" where it does not.
func until(end *time.Time, now time.Time) string {
	if end == nil {
		return ""
	}
	return fmt.Sprintf(" until %s (%s)", end.UTC().Format("2006-01-02 15:04 UTC"), in(*end, now))
}
