package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/cluster/backup"
	"sallyport/web/admin"
)

func snapshotRestoreVerb() verb {
	return verb{
		name: "restore", summary: "put a backup in the place of everything that the cluster holds",
		usage: "FILE --identity-file FILE [--yes] [--json]",
		note: "The backup is verified before anything is asked or changed. The nodes stay as they are. Every code of an\n" +
			"authenticator app up to now, and those of the next two minutes, count as used.",
		examples: []string{"sallyport snapshot restore ./sallyport.age --identity-file ./backup.key"},
		exits:    adminExits,
		flags:    func(fs *pflag.FlagSet) { socketFlag(fs); identityFlags(fs); yesFlag(fs); jsonFlag(fs) },
		run: func(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
			return restoreBackup(ctx, e, fs, args, time.Now())
		},
	}
}

func restoreBackup(ctx context.Context, e env, fs *pflag.FlagSet, args []string, now time.Time) error {
	f, contents, err := openBackup(ctx, e, fs, args)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.verify(contents); err != nil {
		return err
	}
	caller := adminCaller(e, fs)
	held, err := caller.Snapshot(ctx)
	if err != nil {
		return adminError(err)
	}
	if held.KeyCheck != f.header.KeyCheck {
		return &exitError{exitFailed, fmt.Errorf("%s: %w: its secrets could not be read. Nothing was changed", f.Name(), backup.ErrForeign)}
	}
	explainRestore(e.stderr, f.header, held, now)
	if err := confirm(ctx, e, isSet(fs, "yes"), "put the backup in the place of all that"); err != nil {
		return err
	}
	restored, err := f.restore(ctx, caller)
	if err != nil {
		return err
	}
	if isSet(fs, "json") {
		return printJSON(e.stdout, restored)
	}
	fmt.Fprintf(e.stdout, "restored: %s, epoch %d; every login begins anew\n", count(restored.Users, "user", "users"), restored.Epoch)
	if restored.Losses != nil {
		printLosses(e.stdout, *restored.Losses)
	}
	return nil
}

// printLosses says what is void, and what an administrator has to look after.
func printLosses(w io.Writer, l admin.Losses) {
	for _, kind := range []struct {
		lost      admin.Lost
		one, many string
		what      string
	}{
		{l.Bypass, "bypass code", "bypass codes", "void: issue new ones where they are needed"},
		{l.Invitations, "invitation", "invitations", "void: invite them again"},
		{l.Recovery, "recovery code", "recovery codes", `void: issue new ones with "sallyport user recovery-codes"`},
		{l.Windows, "window", "windows", "closed: open them again where they are needed"},
		{l.Unregistered, "user", "users", `registered since the backup and did so in vain: "sallyport user invite" leads back, the password alone does not`},
		{l.Older, "user", "users", `reset or registered anew since the backup, and the factor of then is good again: reset whose device was lost`},
	} {
		if kind.lost.Count == 0 {
			continue
		}
		names := make([]string, len(kind.lost.Of))
		for i, name := range kind.lost.Of {
			names[i] = printable(name)
		}
		of := strings.Join(names, ", ")
		if kind.lost.More {
			of += " and others"
		}
		fmt.Fprintf(w, "%s %s\n  %s\n", count(kind.lost.Count, kind.one, kind.many), kind.what, of)
	}
}

// explainRestore says what there will be, and what will be lost.
func explainRestore(w io.Writer, h backup.Header, held admin.SnapshotInfo, now time.Time) {
	fmt.Fprintf(w, "the backup  %s of cluster %s, saved %s (%s) by %s\n",
		count(h.Users, "user", "users"), printable(h.ClusterID), minute(h.Made), ago(h.Made, now), printable(h.Node))
	fmt.Fprintf(w, "the cluster %s of cluster %s\n", count(held.Users, "user", "users"), printable(held.ClusterID))
	fmt.Fprintf(w, "who registered since %s needs an invitation, who was reset since has the old factor again, and everyone's pending logins end\n", minute(h.LogTime))
	fmt.Fprintln(w, "one-time codes and windows that are not in both are void")
	if h.ClusterID != held.ClusterID {
		fmt.Fprintln(w, "the backup is of another cluster under the same master key: none of its one-time codes and windows will be good")
	}
}

// restore has the daemon put the backup back.
func (b *backupFile) restore(ctx context.Context, caller *admin.Caller) (admin.SnapshotInfo, error) {
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return admin.SnapshotInfo{}, err
	}
	plain, err := backup.Unseal(interruptible{ctx, b.File}, b.identities)
	if err != nil {
		return admin.SnapshotInfo{}, fmt.Errorf("%s: %w", b.Name(), err)
	}
	restored, err := caller.Restore(ctx, plain)
	var refused *admin.Problem
	if err != nil && (!errors.As(err, &refused) || refused.Status == http.StatusInternalServerError) {
		err = fmt.Errorf("%w; whether the backup was put back is not known: \"sallyport snapshot restore\" again shows what the cluster holds, and asks first", err)
	}
	return restored, adminError(err)
}
