package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// help prints the help of the verb that args name, or the list of verbs.
func help(e env, path string, list []verb, args []string) error {
	if len(args) == 0 {
		printVerbs(e.stdout, path, list)
		return nil
	}
	v, err := findVerb(path, list, args[0])
	if err != nil {
		return err
	}
	path += " " + v.name
	if len(v.sub) > 0 {
		return help(e, path, v.sub, args[1:])
	}
	printVerb(e.stdout, path, v)
	return nil
}

// printVerbs lists verbs, each with its summary.
func printVerbs(w io.Writer, path string, list []verb) {
	fmt.Fprintf(w, "usage: %s VERB [flags]\n\n", path)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, v := range list {
		fmt.Fprintf(table, "  %s\t%s\n", v.name, v.summary)
	}
	table.Flush()
	fmt.Fprintf(w, "\n%q explains one of them.\n", path+" help VERB")
}

// printVerb explains one verb: summary, usage, flags, examples, exit codes.
func printVerb(w io.Writer, path string, v verb) {
	fmt.Fprintf(w, "%s\n\nusage: %s\n", v.summary, strings.TrimSpace(path+" "+v.usage))
	if v.note != "" {
		fmt.Fprintf(w, "\n%s\n", v.note)
	}
	if flags := newFlagSet(path, v).FlagUsages(); flags != "" {
		fmt.Fprintf(w, "\nflags:\n%s", flags)
	}
	if len(v.examples) > 0 {
		fmt.Fprint(w, "\nexamples:\n")
		for _, line := range v.examples {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	if v.exits != "" {
		fmt.Fprint(w, "\nexit codes:\n")
		for line := range strings.Lines(strings.TrimSpace(v.exits)) {
			fmt.Fprintf(w, "  %s\n", strings.TrimSpace(line))
		}
	}
}
