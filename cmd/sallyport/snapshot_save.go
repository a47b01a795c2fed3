package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"sallyport/cluster/backup"
	"sallyport/web/admin"
)

func snapshotSaveVerb() verb {
	return verb{
		name: "save", summary: "write the state of the cluster to a file, encrypted",
		usage: "FILE [--recipient KEY]... [--passphrase-file FILE] [--force] [--json]",
		note: "Any node can be asked, without a quorum too. What leaves the daemon is encrypted already.\n" +
			"Without the master key a backup restores nothing: keep that too, elsewhere.",
		examples: []string{
			"sallyport snapshot save /var/backups/sallyport.age --force",
			"sallyport snapshot save ./now.age --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			fs.StringArray("recipient", nil, "seal it to this public `key`, age1…; may be given several times\n(default: recipients under [snapshot] of the daemon's configuration)")
			fs.String("passphrase-file", "", "seal it with the passphrase in this `file` instead")
			forceFlag(fs, "write over a backup that is there")
			jsonFlag(fs)
		},
		run: saveBackup,
	}
}

// saved is the answer of save as JSON.
type saved struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	admin.Backup
}

func saveBackup(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	file, err := oneArg(args, "file")
	if err != nil {
		return err
	}
	act, err := sealing(e, fs)
	if err != nil {
		return err
	}
	s := saved{File: file}
	s.Bytes, err = replaceFile(file, isSet(fs, "force"), func(w io.Writer) error {
		s.Backup, err = adminCaller(e, fs).Backup(ctx, act, w)
		return adminError(err)
	})
	if err != nil {
		return err
	}
	warnStale(e, s.Stale, s.LogTime, s.Behind)
	if isSet(fs, "json") {
		return printJSON(e.stdout, s)
	}
	fmt.Fprintf(e.stdout, "%s written: %s, log index %d of %s, sealed to %s\n", file,
		count(s.Users, "user", "users"), s.Index, minute(s.LogTime), cmp.Or(printable(strings.Join(s.SealedTo, " ")), "a passphrase"))
	return nil
}

// sealing returns what the flags say of encryption.
func sealing(e env, fs *pflag.FlagSet) (admin.BackupAct, error) {
	var act admin.BackupAct
	var err error
	if act.Recipients, err = fs.GetStringArray("recipient"); err != nil {
		return act, err
	}
	file := text(fs, "passphrase-file")
	switch {
	case file != "" && len(act.Recipients) > 0:
		return act, usageErrorf("--recipient or --passphrase-file, not both")
	case file != "":
		if act.Passphrase, err = readPassphrase(e, file); err != nil {
			return act, err
		}
		if _, err := backup.PassphraseRecipient(act.Passphrase); err != nil {
			return act, fmt.Errorf("%s: %w", file, err)
		}
	}
	if _, err := backup.ParseRecipients(act.Recipients); err != nil {
		return act, usageErrorf("--recipient: %w", err)
	}
	return act, nil
}

// replaceFile has a file for its owner alone filled beside its place, and puts it there when it is whole
// and on the disk. It returns its size. Only with force is it put over another file.
func replaceFile(file string, force bool, fill func(io.Writer) error) (size int64, err error) {
	if err := mayReplace(file, force); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return 0, fileError(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := fill(f); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	size, err = f.Seek(0, io.SeekCurrent)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if err := mayReplace(file, force); err != nil { // it took a while
		return 0, err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(file))
}

// mayReplace refuses what is there already. With force a file may be; never a device or a folder.
func mayReplace(file string, force bool) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fileError(err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file and is left alone: choose another name", file)
	case !force:
		return fmt.Errorf("%s exists already and is left alone: choose another name, or --force", file)
	}
	return nil
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
