package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

// userVerb groups what is done about users.
func userVerb() verb {
	return verb{
		name: "user", summary: "list and show users; enrol, invite, reset and unlock them",
		sub: []verb{
			userListVerb(), userShowVerb(), userEnrolVerb(), userInviteVerb(), userBypassVerb(), userRecoveryVerb(),
			userResetVerb(), userUnlockVerb(), userWindowVerb(), userWindowsVerb(),
		},
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

func userUnlockVerb() verb {
	return verb{
		name: "unlock", summary: "clear a user's wrong answers and locks",
		usage:    "USER [--factor FACTOR]",
		examples: []string{"sallyport user unlock alice", "sallyport user unlock alice@example.com --factor totp"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); directoryFlag(fs); factorFlag(fs) },
		run:      unlockUser,
	}
}

func directoryFlag(fs *pflag.FlagSet) {
	fs.String("directory", "", "the `directory` to look in, where a name means several users")
}

func factorFlag(fs *pflag.FlagSet) { fs.String("factor", "", "only this `factor` (default all)") }

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

// person is the user whom a name was found to mean. Acts are on the ID: between the question and the
// act a name could come to mean somebody else.
type person struct {
	admin.UserReply
	caller *admin.Caller
}

// findPerson asks the daemon on whom the verb's one argument means to act. A name that may mean somebody else as
// well is refused.
func findPerson(ctx context.Context, e env, fs *pflag.FlagSet, args []string) (person, error) {
	name, err := oneArg(args, "user")
	if err != nil {
		return person{}, err
	}
	p := person{caller: adminCaller(e, fs)}
	if p.UserReply, err = p.caller.Subject(ctx, name, text(fs, "directory")); err != nil {
		return person{}, adminError(err)
	}
	printNotes(e, p.Notes)
	return p, nil
}

// String names the person for a sentence.
func (p person) String() string { return printable(fmt.Sprintf("%s (%s)", p.User.Name, p.User.ID)) }

// act is an act on the person, with the factor that --factor names.
func (p person) act(fs *pflag.FlagSet) admin.UserAct {
	return admin.UserAct{User: p.User.ID, Factor: text(fs, "factor")}
}

func unlockUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	p, err := findPerson(ctx, e, fs, args)
	if err != nil {
		return err
	}
	if _, err := p.caller.Unlock(ctx, p.act(fs)); err != nil {
		return adminError(err)
	}
	fmt.Fprintf(e.stdout, "%s: unlocked\n", p)
	return nil
}

// news are the notes that were not shown when the person was found.
func (p person) news(notes []string) []string {
	return slices.DeleteFunc(notes, func(note string) bool { return slices.Contains(p.Notes, note) })
}

func printNotes(e env, notes []string) {
	for _, note := range notes {
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
	if u.Bypass != nil {
		states = append(states, "bypass code")
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
	case f.Renew:
		return "must register anew"
	}
	return "ok"
}
