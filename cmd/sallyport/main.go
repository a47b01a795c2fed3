// Sallyport is a RADIUS server that asks for a second factor after the password: one binary, one
// configuration file, its state replicated by Raft. "sallyport help" lists what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process the hard way
	code := run(ctx, os.Args[1:], env{os.Stdin, os.Stdout, os.Stderr, os.Getenv, os.Args[0]})
	os.Exit(code)
}
