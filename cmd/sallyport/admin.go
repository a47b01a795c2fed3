package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/config"
	"sallyport/web/admin"
)

// adminExits are the exit codes of the verbs that ask the daemon.
const adminExits = `0   done
1   the daemon refused or failed
2   the command line is wrong
69  the daemon cannot be reached
75  no leader now: try again
77  not permitted to use the socket`

// socketFlag declares --socket.
func socketFlag(fs *pflag.FlagSet) {
	fs.String("socket", "", "the daemon's admin `socket`\n(default SALLYPORT_SOCKET, or the configuration's, or "+admin.DefaultSocket+")")
}

func jsonFlag(fs *pflag.FlagSet) { fs.Bool("json", false, "write JSON") }

func yesFlag(fs *pflag.FlagSet) {
	fs.Bool("yes", false, "do not ask; needed when stdin is no terminal")
}

// adminCaller returns what asks the daemon: behind --socket, SALLYPORT_SOCKET, or the socket of the
// configuration, as far as that can be read.
func adminCaller(e env, fs *pflag.FlagSet) *admin.Caller {
	socket := cmp.Or(text(fs, "socket"), e.getenv("SALLYPORT_SOCKET"))
	if socket == "" {
		socket = config.AdminSocket(configFile(e, fs))
	}
	return admin.NewCaller(socket)
}

// adminError gives an error of the admin API its exit code.
func adminError(err error) error {
	var p *admin.Problem
	switch {
	case err == nil:
		return nil
	case errors.Is(err, admin.ErrUnreachable):
		return &exitError{exitUnreachable, err}
	case errors.Is(err, admin.ErrPermission):
		return &exitError{exitPermission, err}
	case errors.As(err, &p) && p.Status == http.StatusServiceUnavailable:
		return &exitError{exitTryAgain, err}
	case errors.As(err, &p) && p.Status == http.StatusForbidden:
		return &exitError{exitPermission, err}
	}
	return &exitError{exitFailed, err}
}

// text and isSet read flags that the verb has declared itself.
func text(fs *pflag.FlagSet, name string) string {
	f := fs.Lookup(name)
	if f == nil {
		return ""
	}
	return f.Value.String()
}

func isSet(fs *pflag.FlagSet, name string) bool { return text(fs, name) == "true" }

// oneArg returns the one argument that a verb takes, here called what.
func oneArg(args []string, what string) (string, error) {
	switch len(args) {
	case 0:
		return "", usageErrorf("which %s?", what)
	case 1:
		return args[0], nil
	}
	return "", usageErrorf("one %s at a time; %q is too much", what, args[1])
}

func noArgs(args []string) error {
	if len(args) > 0 {
		return usageErrorf("%q is too much: this verb takes no arguments", args[0])
	}
	return nil
}
