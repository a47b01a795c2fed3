package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestAScriptAnswersLineByLine(t *testing.T) {
	var out strings.Builder
	term := terminal{strings.NewReader("alice\r\nwonderland-1\n\nlast"), &out}
	for _, want := range []string{"alice", "wonderland-1", "", "last"} {
		got, err := term.ask(t.Context(), "? ", false)
		if err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := term.ask(t.Context(), "? ", true); !errors.Is(err, io.EOF) {
		t.Errorf("after the last line: %v", err)
	}
	if strings.Contains(out.String(), "wonderland") {
		t.Errorf("an answer was shown: %q", out.String())
	}
}

func TestALineHasABound(t *testing.T) {
	_, err := readLine(strings.NewReader(strings.Repeat("x", maxLine+1)))
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestDestructionNeedsYesWhereNobodyCanBeAsked(t *testing.T) {
	e := env{stdin: strings.NewReader("y\n"), stderr: io.Discard}
	err := confirm(t.Context(), e, false, "remove it")
	if code, _ := exitCode(err); code != exitUsage || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("got %v", err)
	}
	if err := confirm(t.Context(), e, true, "remove it"); err != nil {
		t.Errorf("with --yes: %v", err)
	}
}

func TestTextsFromElsewhereCannotSteerTheTerminal(t *testing.T) {
	if got := printable("a\x1b[2Jb\u202ec\nd é"); got != "a?[2Jb?c\nd é" {
		t.Errorf("got %q", got)
	}
}

func TestTimesAreHuman(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 400 * time.Millisecond: "0s", 59 * time.Second: "59s",
		2 * time.Minute: "2m", 61 * time.Second: "1m 1s", 25 * time.Hour: "1d 1h",
		50*time.Hour + 3*time.Minute: "2d 2h",
	} {
		if got := human(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestTablesAreAlignedAndHaveNoEmptyCell(t *testing.T) {
	var out strings.Builder
	if err := printTable(&out, []string{"NAME", "STATE"}, []string{"alice", ""}, []string{"b\nob", "ok"}); err != nil {
		t.Fatal(err)
	}
	if want := "NAME   STATE\nalice  -\nb ob   ok\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}
