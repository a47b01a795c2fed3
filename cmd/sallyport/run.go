package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"sallyport/cmd/sallyport/internal/near"
)

// run is the program: it finds the verb, parses its flags, runs it, and returns the exit status.
func run(ctx context.Context, args []string, e env) int {
	err := dispatch(ctx, e, "sallyport", verbs(), args)
	code, say := exitCode(err)
	if say != nil {
		complain(e.stderr, say)
	}
	return code
}

// complain writes an error, each of its lines under the program's name.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "sallyport: %s\n", strings.TrimSuffix(line, "\n"))
	}
}

// dispatch runs the verb that args begin with, one of those listed. path is how the list was reached.
func dispatch(ctx context.Context, e env, path string, list []verb, args []string) error {
	if len(args) == 0 {
		printVerbs(e.stderr, path, list)
		return &exitError{code: exitUsage}
	}
	name, rest := args[0], args[1:]
	switch name {
	case "help":
		return help(e, path, list, rest)
	case "-h", "--help":
		return help(e, path, list, nil)
	}
	v, err := findVerb(path, list, name)
	if err != nil {
		return err
	}
	path += " " + v.name
	if len(v.sub) > 0 {
		return dispatch(ctx, e, path, v.sub, rest)
	}
	return runVerb(ctx, e, path, v, rest)
}

func runVerb(ctx context.Context, e env, path string, v verb, args []string) error {
	fs := newFlagSet(path, v)
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		printVerb(e.stdout, path, v)
		return nil
	case err != nil:
		return usageErrorf("%w%s (see %q)", err, suggestFlag(fs, err), path+" --help")
	}
	return v.run(ctx, e, fs, fs.Args())
}

// findVerb returns the verb with this name, or says which one may have been meant.
func findVerb(path string, list []verb, name string) (verb, error) {
	names := make([]string, 0, len(list))
	for _, v := range list {
		if v.name == name {
			return v, nil
		}
		names = append(names, v.name)
	}
	if strings.HasPrefix(name, "-") {
		return verb{}, usageErrorf("flag %s comes after the verb, as in %q", name, path+" "+names[0]+" "+name)
	}
	if meant, ok := near.Word(name, names); ok {
		return verb{}, usageErrorf("unknown verb %q (did you mean %q?)", name, meant)
	}
	return verb{}, usageErrorf("unknown verb %q (see %q)", name, path+" help")
}

func newFlagSet(path string, v verb) *pflag.FlagSet {
	fs := pflag.NewFlagSet(path, pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	fs.SortFlags = false
	if v.flags != nil {
		v.flags(fs)
	}
	return fs
}

// suggestFlag returns the flag that may have been meant, as words to append, or "".
func suggestFlag(fs *pflag.FlagSet, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return ""
	}
	var names []string
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	meant, ok := near.Word(unknown.GetSpecifiedName(), names)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (did you mean --%s?)", meant)
}
