package hosts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// inside is the variable that tells a test program that it runs in the sandbox.
const inside = "SALLYPORT_E2E_SANDBOX"

// namespaces is where ip keeps the names of network namespaces.
const namespaces = "/run/netns"

// Main runs the tests of a program in a sandbox and returns the exit code; call it in TestMain. The
// program is started a second time for that, with the same arguments.
func Main(tests interface{ Run() int }) int {
	if os.Getenv(inside) != "" {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "prepare the sandbox:", err)
			return 1
		}
		return tests.Run()
	}
	code, err := again()
	if err != nil {
		fmt.Fprintln(os.Stderr, "enter the sandbox, which takes root:", err)
		return 1
	}
	return code
}

// again runs this program in fresh namespaces.
func again() (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	runtime.LockOSThread() // with this thread's end, Pdeathsig would end the child
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL,
	}
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// prepare makes the sandbox a router.
func prepare() error {
	// Nothing that is mounted from here on may reach the machine. In a chroot that is no mount of its own
	// (EINVAL) it cannot be prevented, and what is mounted is taken away at the end of each test.
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err != nil && !errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := os.MkdirAll(namespaces, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("netns", namespaces, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", namespaces, err)
	}
	if err := ip("link", "set", "lo", "up"); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// ip runs the command ip.
func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
