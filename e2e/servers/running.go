package servers

import (
	"sync"
	"syscall"
)

// running is a server that can be ended, and started again. The zero value does not run. Methods are
// safe for concurrent use.
type running struct {
	mu   sync.Mutex
	proc *process
}

// Pid is the process id, for measuring its CPU time; 0 when it does not run.
func (r *running) Pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return 0
	}
	return r.proc.cmd.Process.Pid
}

// Ended is closed when the server that was started last has ended, by whatever cause; nil before it was
// started, and after it was killed or stopped from here.
func (r *running) Ended() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return nil
	}
	return r.proc.done
}

// ExitCode is how the server that was started last ended: 0 and up for an exit of its own, -1 for a
// signal or when it has not ended.
func (r *running) ExitCode() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return -1
	}
	select {
	case <-r.proc.done:
		return r.proc.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Kill ends the server with SIGKILL, as a crash would. Killing it twice is allowed.
func (r *running) Kill() { r.end(syscall.SIGKILL) }

// Stop ends the server in order. Stopping it twice is allowed.
func (r *running) Stop() { r.end(syscall.SIGTERM) }

// Signal sends a signal and waits for nothing: SIGSTOP makes a server that accepts connections and
// never answers, SIGCONT wakes it.
func (r *running) Signal(sig syscall.Signal) error { return syscall.Kill(r.Pid(), sig) }

func (r *running) end(sig syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return
	}
	r.proc.end(sig)
	r.proc = nil
}
