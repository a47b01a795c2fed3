package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"sallyport/login"
)

// maxToken bounds what is read of a token, in octets.
const maxToken = 8 << 10

// readToken reads a token from a file, or from stdin where that is "-"; there it may be typed.
func readToken(ctx context.Context, e env, file string) (login.Secret, error) {
	var text []byte
	var err error
	switch {
	case file == "":
		return "", usageErrorf(`--token-file is needed: the file with what "sallyport cluster token" printed, or - for standard input`)
	case file == "-" && isTerminal(e.stdin):
		var line string
		line, err = terminal{e.stdin, e.stderr}.ask(ctx, "Token: ", false)
		text = []byte(line)
	case file == "-":
		text, err = io.ReadAll(io.LimitReader(e.stdin, maxToken+1))
	default:
		text, err = readBounded(file, maxToken+1)
	}
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "", errors.New("there is no token: has \"sallyport cluster token\" failed?")
	case len(text) > maxToken:
		return "", errors.New("this is too long for a token")
	}
	token, _, err := login.ParseSecret(bytes.TrimSpace(text)) // a token has no blanks
	if err != nil {
		return "", fmt.Errorf("the token %w", err)
	}
	return token, nil
}

func readBounded(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// keyPlace is a file that waits for the master key: what joining cannot do afterwards, it does not begin.
type keyPlace struct {
	file *os.File
	kept bool
}

// reserveKey opens the file for the master key. One that holds a key already is left alone.
func reserveKey(name string) (*keyPlace, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("master_key_file: %w", err)
	}
	info, err := f.Stat()
	switch {
	case err == nil && !info.Mode().IsRegular():
		err = fmt.Errorf("master_key_file: %s is no regular file", name)
	case err == nil && info.Size() > 0:
		err = fmt.Errorf("master_key_file: %s holds a key already; joining brings that of the cluster: move it away first", name)
	case err == nil:
		return &keyPlace{file: f}, nil
	}
	return nil, errors.Join(err, f.Close())
}

// write stores the key for the file's owner alone.
func (k *keyPlace) write(key []byte) error {
	_, err := k.file.Write(key)
	if err = errors.Join(err, k.file.Chmod(0o600), k.file.Sync()); err != nil {
		return fmt.Errorf("master_key_file: %w", err)
	}
	k.kept = true
	return nil
}

// close removes the file again, unless it has got its key.
func (k *keyPlace) close() error {
	err := k.file.Close()
	if !k.kept {
		err = errors.Join(err, os.Remove(k.file.Name()))
	}
	return err
}
