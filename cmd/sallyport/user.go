package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

// userVerb groups what is done about users.
func userVerb() verb {
	return verb{
		name: "user", summary: "list, show, reset and unlock users",
		sub: []verb{userListVerb(), userShowVerb(), userResetVerb(), userUnlockVerb()},
	}
}

func userListVerb() verb {
	return verb{
		name: "list", summary: "list the users that are stored", usage: "[--json]",
		examples: []string{"sallyport user list", "sallyport user list --json"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); jsonFlag(fs) },
		run:      listUsers,
	}
}

func userShowVerb() verb {
	return verb{
		name: "show", summary: "show one user: factors, failures, locks", usage: "USER [--json]",
		examples: []string{"sallyport user show alice", `sallyport user show 'EXAMPLE\alice' --json`},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); directoryFlag(fs); jsonFlag(fs) },
		run:      showUser,
	}
}

func userResetVerb() verb {
	return verb{
		name: "reset", summary: "remove a user's registration, so that the next login may register again",
		usage:    "USER [--factor FACTOR] [--yes]",
		examples: []string{"sallyport user reset alice", "sallyport user reset alice --factor totp --yes"},
		exits:    adminExits,
		flags:    actFlags,
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			return actOnUser(ctx, e, fs, args, userAct{
				question: "remove the registration of %s with %s", done: "%s: registration removed\n",
				ask: true, call: (*admin.Caller).Reset,
			})
		},
	}
}

func userUnlockVerb() verb {
	return verb{
		name: "unlock", summary: "clear a user's wrong answers and locks",
		usage:    "USER [--factor FACTOR]",
		examples: []string{"sallyport user unlock alice", "sallyport user unlock alice@example.com --factor totp"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); directoryFlag(fs); factorFlag(fs) },
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			return actOnUser(ctx, e, fs, args, userAct{done: "%s: unlocked\n", call: (*admin.Caller).Unlock})
		},
	}
}

func directoryFlag(fs *pflag.FlagSet) {
	fs.String("directory", "", "the `directory` to look in, where a name means several users")
}

func factorFlag(fs *pflag.FlagSet) { fs.String("factor", "", "only this `factor` (default all)") }

func actFlags(fs *pflag.FlagSet) {
	socketFlag(fs)
	directoryFlag(fs)
	factorFlag(fs)
	yesFlag(fs)
}

func listUsers(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	all := admin.UserPage{Users: []admin.User{}}
	for page, err := range adminCaller(e, fs).UserPages(ctx) {
		if err != nil {
			return adminError(err)
		}
		all.Users, all.Now = append(all.Users, page.Users...), page.Now
	}
	// The ledger pages in an order of its own; people look for a name.
	slices.SortFunc(all.Users, func(a, b admin.User) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	if isSet(fs, "json") {
		return printJSON(e.stdout, all)
	}
	if len(all.Users) == 0 {
		fmt.Fprintln(e.stderr, "no user is stored yet: the first registration stores one")
		return nil
	}
	rows := [][]string{{"NAME", "FACTORS", "LAST FACTOR", "STATE", "ID"}}
	for _, u := range all.Users {
		rows = append(rows, []string{u.Name, registered(u), u.LastFactor, userState(u, all.Now), u.ID})
	}
	return printTable(e.stdout, rows...)
}

func showUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	name, err := oneArg(args, "user")
	if err != nil {
		return err
	}
	r, err := adminCaller(e, fs).User(ctx, name, text(fs, "directory"))
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, r)
	}
	printNotes(e, r)
	return printUser(e, r)
}

func printUser(e env, r admin.UserReply) error {
	err := printTable(e.stdout, []string{"name", r.User.Name}, []string{"id", r.User.ID},
		[]string{"last factor", r.User.LastFactor})
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	if len(r.User.Factors) == 0 {
		fmt.Fprintln(e.stdout, "no factor is registered")
		return nil
	}
	rows := [][]string{{"FACTOR", "REGISTERED", "WRONG IN A ROW", "STATE"}}
	for _, f := range r.User.Factors {
		rows = append(rows, []string{f.Name, yesNo(f.Registered), strconv.FormatUint(uint64(f.Failures), 10), factorState(f, r.Now)})
	}
	return printTable(e.stdout, rows...)
}

// userAct is what reset and unlock have in common.
type userAct struct {
	// question has the user and the factors; done the user. ask says that a person must agree.
	question, done string
	ask            bool
	call           func(*admin.Caller, context.Context, admin.UserAct) (admin.UserReply, error)
}

// actOnUser finds out whom the name means, asks, and acts on the ID: between the question and the
// act a name could come to mean somebody else.
func actOnUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string, act userAct) error {
	name, err := oneArg(args, "user")
	if err != nil {
		return err
	}
	caller := adminCaller(e, fs)
	found, err := caller.User(ctx, name, text(fs, "directory"))
	if err != nil {
		return adminError(err)
	}
	printNotes(e, found)
	who := printable(fmt.Sprintf("%s (%s)", found.User.Name, found.User.ID))
	factor := text(fs, "factor")
	if act.ask {
		if err := confirm(ctx, e, isSet(fs, "yes"), fmt.Sprintf(act.question, who, orAll(factor))); err != nil {
			return err
		}
	}
	if _, err := act.call(caller, ctx, admin.UserAct{User: found.User.ID, Factor: factor}); err != nil {
		return adminError(err)
	}
	fmt.Fprintf(e.stdout, act.done, who)
	return nil
}

func printNotes(e env, r admin.UserReply) {
	for _, note := range r.Notes {
		fmt.Fprintf(e.stderr, "sallyport: note: %s\n", printable(note))
	}
}

func registered(u admin.User) string {
	var names []string
	for _, f := range u.Factors {
		if f.Registered {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ",")
}

// userState is "ok", or what is wrong with which factor.
func userState(u admin.User, now time.Time) string {
	var states []string
	for _, f := range u.Factors {
		if state := factorState(f, now); state != "ok" {
			states = append(states, f.Name+" "+state)
		}
	}
	if len(states) == 0 {
		return "ok"
	}
	return strings.Join(states, ", ")
}

func factorState(f admin.Factor, now time.Time) string {
	switch {
	case f.HardLocked:
		return "locked until unlocked"
	case f.LockedUntil != nil:
		return "locked, ends " + in(*f.LockedUntil, now)
	}
	return "ok"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orAll(factor string) string {
	if factor == "" {
		return "all factors"
	}
	return factor
}
