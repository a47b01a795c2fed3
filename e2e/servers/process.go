package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a server that was started and is ended by its pid. Methods are safe for concurrent use.
type process struct {
	name string
	cmd  *exec.Cmd
	out  output
	done chan struct{}
}

// startProcess runs a program whose end is the caller's business; it also ends when the thread that
// started it does, so that a crashed test leaves nothing behind.
func startProcess(name string, args []string, env ...string) (*process, error) {
	p := newProcess(name, args, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	return p, p.start()
}

// startProcessTo is startProcess with the output going to a file, whole.
func startProcessTo(f *os.File, name string, args []string, env ...string) (*process, error) {
	p := newProcess(name, args, env...)
	p.cmd.Stdout, p.cmd.Stderr = f, f
	return p, p.start()
}

func newProcess(name string, args []string, env ...string) *process {
	p := &process{name: name, cmd: exec.Command(name, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	return p
}

func (p *process) start() error {
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait() // how it ended is told by the output, where anyone asks
	}()
	return nil
}

// end sends sig to the process and its children, and waits until it has ended; SIGKILL follows after
// ten seconds.
func (p *process) end(sig syscall.Signal) {
	pid := p.cmd.Process.Pid
	syscall.Kill(-pid, sig)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		syscall.Kill(-pid, syscall.SIGKILL)
		<-p.done
	}
	syscall.Kill(-pid, syscall.SIGKILL)
}

// waitFor waits until every address accepts a TCP connection.
func (p *process) waitFor(ctx context.Context, addresses ...string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(addresses) > 0 {
		conn, err := net.DialTimeout("tcp", addresses[0], time.Second)
		if err == nil {
			conn.Close()
			addresses = addresses[1:]
			continue
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %s", p.name, p.out.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w: %s", p.name, addresses[0], err, p.out.String())
		case <-tick.C:
		}
	}
	return nil
}

// run runs a program to its end and returns its output with the error.
func run(stdin []byte, env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, args[0], err, out)
	}
	return string(out), nil
}

// FreePort returns a TCP port of address that nothing listens on. It lies below the ports that the
// kernel hands out for outgoing connections, so that a server can be restarted on it.
func FreePort(address string) (int, error) {
	base := 20000 + os.Getpid()%portRanges*portsEach
	for range portsEach {
		port := base + int(lastPort.Add(1))%portsEach
		l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("no free port on %s", address)
}

// FreeUDPPort returns a UDP port of address that nothing is bound to.
func FreeUDPPort(address string) (int, error) {
	for range 100 {
		port, err := FreePort(address)
		if err != nil {
			return 0, err
		}
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address), Port: port})
		if err == nil {
			return port, conn.Close()
		}
	}
	return 0, fmt.Errorf("no free UDP port on %s", address)
}

// Test programs that run at once take their ports from ranges of their own, and each gives out its
// ports in turn: one that was given out and is not in use, yet or for a moment, is nobody else's.
const (
	portRanges = 6
	portsEach  = 2000
)

var lastPort atomic.Uint32

// output keeps the last 16 KiB of what a server printed.
type output struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	const keep = 16 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if len(o.text) > keep {
		o.text = append([]byte(nil), o.text[len(o.text)-keep:]...)
	}
	return len(p), nil
}

// String returns what was kept.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
