package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/pflag"

	"sallyport/cluster/backup"
	"sallyport/cmd/sallyport/internal/regular"
	"sallyport/login"
)

// snapshotVerb groups what is done about backups.
func snapshotVerb() verb {
	return verb{
		name: "snapshot", summary: "save the state as an encrypted backup; look at one, verify it, put it back",
		sub: []verb{snapshotSaveVerb(), snapshotInspectVerb(), snapshotVerifyVerb(), snapshotRestoreVerb()},
	}
}

// identityFlags declare how a backup is opened.
func identityFlags(fs *pflag.FlagSet) {
	fs.String("identity-file", "", "the `file` with the secret key, as age-keygen writes it")
	fs.String("passphrase-file", "", "the `file` with the passphrase, for a backup that was sealed with one")
}

// identities reads what a backup is opened with.
func identities(e env, fs *pflag.FlagSet) ([]age.Identity, error) {
	keys, passphrase := text(fs, "identity-file"), text(fs, "passphrase-file")
	switch {
	case keys != "" && passphrase != "":
		return nil, usageErrorf("--identity-file or --passphrase-file, not both: a backup is sealed to keys or with a passphrase")
	case keys != "":
		return fromFile(keys, backup.ReadIdentities)
	case passphrase == "":
		return nil, usageErrorf("how is the backup opened? --identity-file or --passphrase-file")
	}
	words, err := readPassphrase(e, passphrase)
	if err != nil {
		return nil, err
	}
	id, err := backup.PassphraseIdentity(words)
	if err != nil {
		return nil, err
	}
	return []age.Identity{id}, nil
}

// readPassphrase reads a passphrase, and says what nobody sees of it.
func readPassphrase(e env, file string) (string, error) {
	words, err := fromFile(file, backup.ReadPassphrase)
	if parts := login.InvisibleParts(words); parts != "" {
		fmt.Fprintf(e.stderr, "sallyport: warning: %s %s\n", file, parts)
	}
	return words, err
}

// fromFile has a file read, which may be a pipe: secrets need not be on a disk.
func fromFile[T any](name string, read func(io.Reader) (T, error)) (T, error) {
	var none T
	f, err := os.Open(name)
	if err != nil {
		return none, fileError(err)
	}
	defer f.Close()
	v, err := read(f)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

// fileError gives what the file system forbids its exit code.
func fileError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &exitError{exitPermission, err}
	}
	return err
}

// backupFile is an open backup, and what opens it.
type backupFile struct {
	*os.File
	identities []age.Identity
	header     backup.Header
	size       int64
}

// openBackup opens the backup that args name and reads its header.
func openBackup(ctx context.Context, e env, fs *pflag.FlagSet, args []string) (*backupFile, *backup.Contents, error) {
	name, err := oneArg(args, "file")
	if err != nil {
		return nil, nil, err
	}
	ids, err := identities(e, fs)
	if err != nil {
		return nil, nil, err
	}
	if err := regular.Check(name); err != nil {
		return nil, nil, fileError(err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fileError(err)
	}
	b := &backupFile{File: f, identities: ids}
	contents, err := b.contents(ctx)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	b.header = contents.Header
	return b, contents, nil
}

func (b *backupFile) contents(ctx context.Context) (*backup.Contents, error) {
	info, err := b.Stat()
	if err != nil {
		return nil, err
	}
	b.size = info.Size()
	contents, err := backup.Open(interruptible{ctx, b.File}, b.identities)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	return contents, nil
}

// verify reads all of the backup.
func (b *backupFile) verify(contents *backup.Contents) error {
	if err := backup.Verify(contents); err != nil {
		return fmt.Errorf("%s: %w", b.Name(), err)
	}
	return nil
}

// interruptible is a reader that ends with a context.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read reads while the context lasts.
func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

// minute is how moments are shown.
func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// count says how many there are of something.
func count[N int | uint64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
