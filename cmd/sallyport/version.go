package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

func versionVerb() verb {
	return verb{
		name:     "version",
		summary:  "Print the version of this program",
		examples: []string{"sallyport version", "sallyport version | cut -d' ' -f2"},
		exits:    "0  done",
		run: func(_ context.Context, e env, _ *pflag.FlagSet, args []string) error {
			if len(args) > 0 {
				return usageErrorf("version takes no arguments")
			}
			_, err := fmt.Fprintf(e.stdout, "sallyport %s %s %s/%s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// release is set by the linker (-ldflags "-X main.release=…") when a release is built.
var release string

// version returns the release, or else the revision that this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if release != "" || !ok {
		return cmp.Or(release, "unknown")
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := settings["vcs.revision"]
	if revision == "" {
		return "devel"
	}
	v := "devel+" + revision[:min(12, len(revision))]
	if settings["vcs.modified"] == "true" {
		v += "-modified"
	}
	return v
}
