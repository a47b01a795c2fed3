package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// comeBackAfter is when the demo starts a node again that has died: time to see that the others go on.
const comeBackAfter = 5 * time.Second

// command is this program once more, with other arguments.
func (c demoCluster) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	file, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Args[0] = "sallyport"
	// Ctrl-C is for the demo, which then ends its nodes. They end as well if it dies without a word.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin + startWithin/10
	return cmd, nil
}

// ask runs one verb to its end. What it says on stderr is told when it fails.
func (c demoCluster) ask(ctx context.Context, stdin string, args ...string) (stdout string, err error) {
	cmd, err := c.command(ctx, args...)
	if err != nil {
		return "", err
	}
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("sallyport %s: %w\n%s", strings.Join(args[:2], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// keep runs a node until ctx ends, and starts it again when it dies. Before the cluster is formed, a
// death is the end: it is sent to failed.
func (c demoCluster) keep(ctx context.Context, n *demoNode, formed <-chan struct{}, failed chan<- error) {
	for {
		err := c.serve(ctx, n)
		if ctx.Err() != nil {
			return
		}
		select {
		case <-formed:
		default:
			failed <- fmt.Errorf("%s ended: %w", n.node, err)
			return
		}
		c.history.ended(n.node, err.Error())
		pause := time.NewTimer(comeBackAfter)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// serve runs the daemon of a node to its end. It returns how it ended, which is never nil.
func (c demoCluster) serve(ctx context.Context, n *demoNode) error {
	cmd, err := c.command(ctx, "serve", "--config", n.config, "--log-format", "json")
	if err != nil {
		return err
	}
	cmd.Stderr = &nodeLog{node: n.node, world: c.world, history: c.history, errors: c.errors, loud: c.loud}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.history.started(n.node, cmd.Process.Pid)
	c.pids.note(n.node, cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return errors.New("it was stopped in order")
}
