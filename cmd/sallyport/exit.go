package main

import (
	"errors"
	"fmt"
)

// The program's exit codes; 64 and above are those of sysexits.h.
const (
	exitOK          = 0
	exitFailed      = 1  // the operation failed
	exitUsage       = 2  // the command line is wrong
	exitDegraded    = 3  // status: running, but not ready
	exitUnreachable = 69 // the daemon cannot be reached (EX_UNAVAILABLE)
	exitHung        = 70 // the disk hangs (EX_SOFTWARE); another node leads
	exitTryAgain    = 75 // no leader now (EX_TEMPFAIL)
	exitPermission  = 77 // not permitted (EX_NOPERM)
	exitConfig      = 78 // the configuration is wrong (EX_CONFIG); a restart would not help
)

// exitError ends the program with code. A nil err says nothing more on stderr.
type exitError struct {
	code int
	err  error
}

// Error returns the text of the wrapped error.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the wrapped error.
func (e *exitError) Unwrap() error { return e.err }

// usageErrorf is a wrong command line: what is wrong, and what to type instead.
func usageErrorf(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode returns the status that err ends the program with, and what is left to say.
func exitCode(err error) (code int, say error) {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK, nil
	case errors.As(err, &exit):
		return exit.code, exit.err
	}
	return exitFailed, err
}
