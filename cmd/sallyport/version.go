package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

func versionVerb() verb {
	return verb{
		name:     "version",
		summary:  "print the version of this program",
		examples: []string{"sallyport version", "sallyport version | cut -d' ' -f2"},
		exits:    "0  done",
		run: func(_ context.Context, e env, _ *pflag.FlagSet, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			_, err := fmt.Fprintf(e.stdout, "sallyport %s %s %s/%s\n",
				programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is set by the linker (-ldflags "-X main.version=…") when a release is built.
var version string

// programVersion returns the release, or else the revision that this program was built from.
func programVersion() string {
	settings := buildSettings()
	revision := settings["vcs.revision"]
	switch {
	case version != "":
		return version
	case revision == "":
		return "devel"
	case settings["vcs.modified"] == "true":
		return "devel+" + revision[:min(12, len(revision))] + "-modified"
	}
	return "devel+" + revision[:min(12, len(revision))]
}

// buildSettings returns what the Go tool has noted in the program.
func buildSettings() map[string]string {
	settings := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	return settings
}
