package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"
)

// env is what a verb sees of the world around it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	// program is how the program was called, for command lines that it proposes.
	program string
}

// verb is one command of the program, or a group of them.
type verb struct {
	// name is the word typed, summary one line without a full stop, usage what follows the name.
	name, summary, usage string
	// note is what a person should know besides, one line or none.
	note string
	// examples are command lines, exits the verb's exit codes, one a line.
	examples []string
	exits    string
	// sub are the verbs of a group; a group has no run of its own.
	sub []verb
	// flags declares the verb's flags; nil when it has none.
	flags func(*pflag.FlagSet)
	// run does the work. args are what is left after the flags. An error other than an exitError
	// ends the program with status 1.
	run func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error
}

// verbs returns the verbs in the order in which help lists them.
func verbs() []verb {
	user := userVerb()
	user.sub = append(user.sub, hashPasswordVerb())
	return []verb{
		serveVerb(),
		demoVerb(),
		loginVerb(),
		checkConfigVerb(),
		doctorVerb(),
		statusVerb(),
		user,
		clientVerb(),
		clusterVerb(),
		snapshotVerb(),
		keysVerb(),
		versionVerb(),
	}
}
