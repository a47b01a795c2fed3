package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY returns the two ends of a pseudo-terminal: what a person types is written to keyboard, and
// what they see is read from it.
func openPTY(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return keyboard, tty
}

func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// waitHidden returns when the terminal shows no more what is typed.
func waitHidden(t *testing.T, tty *os.File) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if !echoes(t, tty) {
			return
		}
		<-tick.C
	}
	t.Fatal("the terminal still shows what is typed")
}

func TestAPasswordIsNotShown(t *testing.T) {
	keyboard, tty := openPTY(t)
	var out strings.Builder
	type typed struct {
		line string
		err  error
	}
	done := make(chan typed, 1)
	go func() {
		line, err := terminal{tty, &out}.ask(t.Context(), "Password: ", false)
		done <- typed{line, err}
	}()
	waitHidden(t, tty)
	fmt.Fprint(keyboard, "wonderland-1\n")
	if got := <-done; got.err != nil || got.line != "wonderland-1" {
		t.Errorf("got %q, %v", got.line, got.err)
	}
	if out.String() != "Password: \n" || !echoes(t, tty) {
		t.Errorf("shown %q, echo %v afterwards", out.String(), echoes(t, tty))
	}
}

func TestCtrlDEndsAHiddenPrompt(t *testing.T) {
	keyboard, tty := openPTY(t)
	done := make(chan error, 1)
	go func() {
		_, err := terminal{tty, new(strings.Builder)}.ask(t.Context(), "Password: ", false)
		done <- err
	}()
	waitHidden(t, tty)
	fmt.Fprint(keyboard, "\x04")
	if err := <-done; !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if !echoes(t, tty) {
		t.Error("the terminal stays silent")
	}
}

func TestAnInterruptShowsAgainWhatIsTyped(t *testing.T) {
	_, tty := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := terminal{tty, new(strings.Builder)}.ask(ctx, "Password: ", false)
		done <- err
	}()
	waitHidden(t, tty)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if !echoes(t, tty) {
		t.Error("the terminal stays silent")
	}
}

func TestAPersonIsAskedBeforeDestruction(t *testing.T) {
	for answer, want := range map[string]int{"y": exitOK, "YES": exitOK, "n": exitFailed, "": exitFailed} {
		keyboard, tty := openPTY(t)
		var shown strings.Builder
		fmt.Fprint(keyboard, answer+"\n")
		err := confirm(t.Context(), env{stdin: tty, stderr: &shown}, false, "remove it")
		if code, _ := exitCode(err); code != want || shown.String() != "remove it? [y/N] " {
			t.Errorf("%q: exit %d, shown %q", answer, code, shown.String())
		}
	}
}
