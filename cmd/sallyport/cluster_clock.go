package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

func clusterClockVerb() verb {
	return verb{
		name: "accept-clock", summary: "believe this node's clock, which was set while it ran", usage: "[--yes]",
		note: "A node whose clock was set by more than 30 seconds while it ran verifies no codes of authenticator apps.\n" +
			"Where it was set wrong, repair the time service: that settles it. This is for a new time that is right.",
		examples: []string{"sallyport cluster accept-clock"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); yesFlag(fs) },
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			question := fmt.Sprintf("the clock of this machine shows %s; believe it", time.Now().UTC().Format("2006-01-02 15:04:05 UTC"))
			if err := confirm(ctx, e, isSet(fs, "yes"), question); err != nil {
				return err
			}
			r, err := adminCaller(e, fs).AcceptClock(ctx)
			if err != nil {
				return adminError(err)
			}
			fmt.Fprintf(e.stdout, "the clock, which was set by %v, is believed: %s\n", (time.Duration(r.SetMS) * time.Millisecond).Round(time.Second), r.Now.UTC().Format("2006-01-02 15:04:05 UTC"))
			return nil
		},
	}
}
