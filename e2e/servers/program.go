package servers

import "syscall"

// Program is a program that a test runs beside the servers that have a type of their own. It is ended with
// the test, by its pid. Methods are safe for concurrent use.
type Program struct{ proc *process }

// StartProgram starts a command line, with env besides the test's environment.
func StartProgram(t T, env []string, line ...string) *Program {
	t.Helper()
	proc, err := startProcess(line[0], line[1:], env...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p := &Program{proc}
	t.Cleanup(func() { p.End(syscall.SIGKILL) })
	return p
}

// Output is the last of what it has printed.
func (p *Program) Output() string { return p.proc.out.String() }

// Ended is closed when it has ended.
func (p *Program) Ended() <-chan struct{} { return p.proc.done }

// Signal sends a signal.
func (p *Program) Signal(sig syscall.Signal) error { return syscall.Kill(p.proc.cmd.Process.Pid, sig) }

// End sends a signal to it and its children, and waits until it has ended.
func (p *Program) End(sig syscall.Signal) {
	select {
	case <-p.proc.done:
	default:
		p.proc.end(sig)
	}
}
