package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// Answer returns the line that a person types at a prompt, without its end. It may wait, for a code
// that was sent for instance, and may end the test. A nil Answer is a person who interrupts the client.
type Answer func(prompt string) string

// Type is the answer of a person who types line whatever the prompt says.
func Type(line string) Answer { return func(string) string { return line } }

// Dialogue is what a login by typing came to.
type Dialogue struct {
	// Accepted tells whether the person was let in.
	Accepted bool
	// Prompts are the texts at which the client waited for a line, in their order.
	Prompts []string
	// End is what the client showed after the last answer, such as why the person was not let in.
	End string
}

// Asked returns the last prompt, or "" when there was none.
func (d Dialogue) Asked() string {
	if len(d.Prompts) == 0 {
		return ""
	}
	return d.Prompts[len(d.Prompts)-1]
}

// talk runs a client that asks for lines on its standard error, and types the answers in their order.
// At a prompt too many the standard input is closed, as by a person who walks away. What the client
// shows passes through clean before anyone sees it; its standard output is shown too, unless it
// leads elsewhere. Accepted is whether it exited with 0.
func talk(ctx context.Context, cmd *exec.Cmd, clean func(string) string, answers []Answer) (d Dialogue, err error) {
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		return d, err
	}
	screen, err := cmd.StderrPipe()
	if err != nil {
		return d, err
	}
	if cmd.Stdout == nil {
		cmd.Stdout = cmd.Stderr
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return d, err
	}
	left := true
	defer func() {
		if left { // an answer has ended the test
			cmd.Process.Kill()
			cmd.Wait()
		}
	}()
	interrupt := func() { cmd.Process.Kill() }
	d.Prompts, d.End = converse(screen, keyboard, interrupt, clean, answers)
	left = false
	err = cmd.Wait()
	d.Accepted = err == nil
	if ctx.Err() != nil {
		return d, fmt.Errorf("%s: %w; shown so far: %q", cmd.Args[0], ctx.Err(), d.Prompts)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return d, nil
	}
	return d, err
}

// converse is the person in front of a client, until the screen goes dark. What is shown and has no
// line end is a prompt: a client writes it in one piece and then waits.
func converse(screen io.Reader, keyboard io.WriteCloser, interrupt func(), clean func(string) string, answers []Answer) (prompts []string, end string) {
	var shown strings.Builder
	buf := make([]byte, 8<<10)
	for hungUp := false; ; {
		n, err := screen.Read(buf)
		shown.Write(buf[:n])
		if err != nil {
			return prompts, clean(shown.String())
		}
		if hungUp || strings.HasSuffix(shown.String(), "\n") {
			continue
		}
		prompt := clean(shown.String())
		prompts = append(prompts, prompt)
		shown.Reset()
		if len(answers) == 0 {
			keyboard.Close()
			hungUp = true
			continue
		}
		if answers[0] == nil {
			interrupt()
			hungUp = true
			continue
		}
		// A client that has ended reads nothing; the next Read tells.
		io.WriteString(keyboard, answers[0](prompt)+"\n")
		answers = answers[1:]
	}
}
