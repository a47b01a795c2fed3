package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cluster/backup"
)

// fileExits are the exit codes of the verbs that only read a backup.
const fileExits = `0   done
1   the backup is damaged, or does not open with this key
2   the command line is wrong
77  not permitted to read a file`

func snapshotInspectVerb() verb {
	return verb{
		name: "inspect", summary: "show what a backup says of itself, without verifying it",
		usage:    "FILE --identity-file FILE [--json]",
		note:     "No daemon is asked. The secret key and the backup may be on any machine.",
		examples: []string{"sallyport snapshot inspect ./sallyport.age --identity-file ./backup.key"},
		exits:    fileExits,
		flags:    func(fs *pflag.FlagSet) { identityFlags(fs); jsonFlag(fs) },
		run:      inspectBackup,
	}
}

func snapshotVerifyVerb() verb {
	return verb{
		name: "verify", summary: "read all of a backup, as a restore would, and say whether it is whole",
		usage:    "FILE --identity-file FILE [--json]",
		note:     "No daemon is asked. The secret key and the backup may be on any machine.",
		examples: []string{"sallyport snapshot verify ./sallyport.age --identity-file ./backup.key"},
		exits:    fileExits,
		flags:    func(fs *pflag.FlagSet) { identityFlags(fs); jsonFlag(fs) },
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			return verifyBackup(ctx, e, fs, args, time.Now())
		},
	}
}

// verified is the answer of verify as JSON.
type verified struct {
	backup.Header
	Bytes      int64 `json:"bytes"`
	AgeSeconds int64 `json:"age_seconds"`
}

func inspectBackup(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	f, _, err := openBackup(ctx, e, fs, args)
	if err != nil {
		return err
	}
	defer f.Close()
	if isSet(fs, "json") {
		return printJSON(e.stdout, f.header)
	}
	printHeader(e.stdout, f.header)
	return nil
}

func verifyBackup(ctx context.Context, e env, fs *pflag.FlagSet, args []string, now time.Time) error {
	f, contents, err := openBackup(ctx, e, fs, args)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.verify(contents); err != nil {
		return err
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, verified{f.header, f.size, int64(now.Sub(f.header.Made) / time.Second)})
	}
	h := f.header
	fmt.Fprintf(e.stdout, "%s is whole: %s of cluster %s, epoch %d, saved %s\n",
		f.Name(), count(h.Users, "user", "users"), printable(h.ClusterID), h.Epoch, ago(h.Made, now))
	warnStale(e, h.Stale, h.LogTime, h.Behind)
	return nil
}

func printHeader(w io.Writer, h backup.Header) {
	for _, row := range [][2]string{
		{"cluster", h.ClusterID},
		{"epoch", fmt.Sprint(h.Epoch)},
		{"level", fmt.Sprint(h.Level)},
		{"saved", minute(h.Made) + " by " + h.Node + ", sallyport " + h.Version},
		{"log", fmt.Sprintf("index %d, term %d, %s", h.Index, h.Term, minute(h.LogTime))},
		{"users", fmt.Sprint(h.Users)},
		{"stale", staleness(h)},
		{"master key", h.KeyCheck},
	} {
		fmt.Fprintf(w, "%-11s %s\n", row[0], oneLine(row[1]))
	}
}

func staleness(h backup.Header) string {
	if !h.Stale {
		return "no"
	}
	return "yes, at least " + count(h.Behind, "log entry is", "log entries are") + " missing"
}

// warnStale says what a backup may lack whose node had no contact with a leader.
func warnStale(e env, stale bool, since time.Time, behind uint64) {
	if stale {
		fmt.Fprintf(e.stderr, "sallyport: warning: the node had no contact with a leader: what was done after %s may be missing, at least %s\n",
			minute(since), count(behind, "log entry", "log entries"))
	}
}
