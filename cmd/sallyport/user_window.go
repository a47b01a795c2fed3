package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func userWindowVerb() verb {
	return verb{
		name: "window", summary: "let a user or a group register for a while, or end that",
		usage: "USER | --group GROUP --directory NAME [--for DURATION] [--close]",
		note:  "While the window is open, the password is enough to register a factor.",
		examples: []string{
			"sallyport user window alice --for 4h",
			"sallyport user window --group vpn-users --directory corp --for 168h",
			"sallyport user window alice --close",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			fs.String("group", "", "the `group`, as policies name it")
			forFlag(fs, admin.DefaultWindow)
			fs.Bool("close", false, "close the window now")
		},
		run: setWindow,
	}
}

func userWindowsVerb() verb {
	return verb{
		name: "windows", summary: "list the users and groups that may register now", usage: "[--json]",
		examples: []string{"sallyport user windows"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); jsonFlag(fs) },
		run:      listWindows,
	}
}

func setWindow(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	act := admin.WindowAct{Directory: text(fs, "directory"), Group: text(fs, "group"), Close: isSet(fs, "close")}
	switch {
	case act.Group == "":
		name, err := oneArg(args, "user")
		if err != nil {
			return err
		}
		act.User = name
	case len(args) > 0:
		return usageErrorf("a window is that of a user or that of a group: leave out %q or --group", args[0])
	case act.Directory == "":
		return usageErrorf("in which directory is the group? --directory NAME")
	}
	if act.Close && fs.Changed("for") {
		return usageErrorf("--close ends the window now: leave out --for")
	}
	if !act.Close {
		act.ForSeconds = seconds(fs)
	}
	r, err := adminCaller(e, fs).SetWindow(ctx, act)
	if err != nil {
		return adminError(err)
	}
	printNotes(e, r.Notes)
	if r.NoneOpen {
		fmt.Fprintf(e.stdout, "%s: no window was open\n", whose(r.Window))
		return nil
	}
	if act.Close {
		fmt.Fprintf(e.stdout, "%s: window closed\n", whose(r.Window))
		return nil
	}
	fmt.Fprintf(e.stdout, "%s: may register with the password alone%s\n", whose(r.Window), until(&r.Window.Until, r.Now))
	return nil
}

func listWindows(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	if err := noArgs(args); err != nil {
		return err
	}
	list, err := adminCaller(e, fs).Windows(ctx)
	if err != nil {
		return adminError(err)
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, list)
	}
	if len(list.Windows) == 0 {
		fmt.Fprintln(e.stderr, "no window is open")
		return nil
	}
	rows := [][]string{{"WHO", "CLOSES"}}
	for _, w := range list.Windows {
		rows = append(rows, []string{whose(w), in(w.Until, list.Now)})
	}
	return printTable(e.stdout, rows...)
}

// whose names the subject of a window.
func whose(w admin.Window) string {
	switch {
	case w.Group != "":
		return printable(fmt.Sprintf("group %s of %s", w.Group, w.Directory))
	case w.Name == "":
		return printable(w.UserID)
	}
	return printable(fmt.Sprintf("%s (%s)", w.Name, w.UserID))
}
