package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal asks a person, or reads the answers of a script line by line from a pipe.
type terminal struct {
	in  io.Reader
	out io.Writer
}

// maxLine bounds a typed line, in octets: more than any password or code.
const maxLine = 4096

// isTerminal reports whether a reader or writer is a terminal.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ask shows the prompt and returns the line that is typed. Without echo the line is not shown when
// stdin is a terminal. It returns io.EOF when there is no line any more and ctx's error when ctx
// ends first; the terminal then shows again what is typed.
func (t terminal) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	fmt.Fprint(t.out, prompt)
	if !isTerminal(t.in) {
		line, err := readLine(t.in)
		fmt.Fprintln(t.out)
		return line, err
	}
	in := t.in.(*os.File)
	before, err := term.GetState(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("read the terminal's state: %w", err)
	}
	type typed struct {
		line string
		err  error
	}
	done := make(chan typed, 1)
	read := func() (string, error) { return readHidden(in) }
	if echo {
		read = func() (string, error) { return readLine(t.in) }
	}
	go func() {
		line, err := read()
		done <- typed{line, err}
	}()
	select {
	case d := <-done:
		if !echo {
			fmt.Fprintln(t.out) // the Enter was not shown either
		}
		return d.line, d.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(int(in.Fd()), before))
	}
}

// readHidden reads a line that the terminal does not show. [term.ReadPassword] would go on reading
// after a Ctrl-D, by which people end.
func readHidden(in *os.File) (string, error) {
	fd := int(in.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("read the terminal's state: %w", err)
	}
	hidden := *before
	hidden.Lflag &^= unix.ECHO
	hidden.Lflag |= unix.ICANON | unix.ISIG
	hidden.Iflag |= unix.ICRNL
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
		return "", fmt.Errorf("hide what is typed: %w", err)
	}
	line, err := readLine(in)
	if shown := unix.IoctlSetTermios(fd, unix.TCSETS, before); shown != nil {
		return "", fmt.Errorf("show again what is typed: %w", shown)
	}
	return line, err
}

// readLine reads one octet at a time, so that nothing behind the line is taken from whoever reads
// next: a hidden answer is read past this function.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var octet [1]byte
	for len(line) < maxLine {
		n, err := r.Read(octet[:])
		switch {
		case n == 1 && octet[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, octet[0])
		case err != nil && len(line) > 0 && errors.Is(err, io.EOF):
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return "", fmt.Errorf("a line is longer than %d octets", maxLine)
}

// confirm asks before something is destroyed. Without a terminal there is nobody to ask, and the
// act needs --yes.
func confirm(ctx context.Context, e env, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(e.stdin) {
		return usageErrorf("%s: needs --yes where nobody can be asked", question)
	}
	answer, err := terminal{e.stdin, e.stderr}.ask(ctx, question+"? [y/N] ", true)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return &exitError{exitFailed, errors.New("nothing was changed")}
}

// printable replaces what could steer the terminal: names and messages come from elsewhere.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
