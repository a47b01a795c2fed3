package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// output collects what a program writes, and lets a test wait for it.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

func newOutput() *output { return &output{written: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.written <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns the groups of the first match of pattern, as soon as there is one.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	want := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		if found := want.FindStringSubmatch(o.String()); found != nil {
			return found
		}
		select {
		case <-o.written:
		case <-late:
			t.Fatalf("%q did not appear in\n%s", pattern, o)
		}
	}
}

// programName is how the program under test believes to be called.
const programName = "./a folder/sallyport"

// program is the whole program, run inside the test as main runs it.
type program struct {
	stdout, stderr *output
	interrupt      context.CancelFunc
	code           chan int
}

// startProgram runs the program until it ends or is interrupted, at the latest when the test ends.
func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	t.Cleanup(interrupt)
	p := startProgramIn(ctx, args...)
	p.interrupt = interrupt
	return p
}

// startProgramIn runs the program until it ends or ctx does.
func startProgramIn(ctx context.Context, args ...string) *program {
	p := &program{stdout: newOutput(), stderr: newOutput(), code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, args, env{strings.NewReader(""), p.stdout, p.stderr, os.Getenv, programName})
	}()
	return p
}

// end returns the exit status.
func (p *program) end(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-time.After(patience):
		t.Fatalf("the program does not end; stderr is\n%s", p.stderr)
		return -1
	}
}

// runProgram runs the program to its end.
func runProgram(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var out, errs strings.Builder
	code := run(t.Context(), args, env{strings.NewReader(stdin), &out, &errs, os.Getenv, programName})
	return outcome{code, out.String(), errs.String()}
}
