package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sallyport/e2e/load/internal/people"
	"sallyport/e2e/load/internal/procs"
)

// options are the flags as given.
type options struct {
	label, server, secretFile, nasIdentifier string
	ports                                    int
	timeout                                  time.Duration
	tries                                    int
	verify                                   bool

	first, count        int
	user, password      string
	key, seed, keysFile string
	register            bool
	inFlight            int
	rate                float64
	constant            bool
	warmup, duration    time.Duration
	cpuPIDs             string
	quiet               bool
	watched             []procs.Process
	addresses           []netip.AddrPort
	secret              []byte
	keysInFile          map[string]string
}

const usage = `Load logs users in over RADIUS, with a password and then a code, and measures.

Usage: load [flags]

A closed loop keeps --in-flight logins going; --rate makes it an open loop, in
which logins start at that rate whatever the server does and latencies count
from the time at which each was meant to start. No code is sent twice: when
every user of the range has logged in within the current time step of 30 s, the
run ends early and says so. Standard output gets one line of JSON.

Examples:
  load --secret-file secret --count 10000 --key JBSWY3DPEHPK3PXP --in-flight 64
  load --secret-file secret --count 10000 --keys keys --register
  load --secret-file secret --count 10000 --keys keys --rate 2000 --duration 5s

Exit codes: 0 measured, 1 nobody was accepted, 2 wrong use or could not run.

Flags:
`

// parse reads the flags and everything they name. It returns pflag.ErrHelp when help was asked for
// and given.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := pflag.NewFlagSet("load", pflag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage, f.FlagUsages()) }
	f.StringVar(&o.label, "label", "", "name of the run, for the report")
	f.StringVar(&o.server, "server", "127.0.0.1:1812", "address and port of the server, or of several, with commas: each source port has one of them")
	f.StringVar(&o.secretFile, "secret-file", "", "file with the shared secret")
	f.StringVar(&o.nasIdentifier, "nas-identifier", "load", "NAS-Identifier of the requests")
	f.IntVar(&o.ports, "ports", 64, "number of source ports, each for 256 pending requests")
	f.DurationVar(&o.timeout, "timeout", 2*time.Second, "wait before a request is sent again; doubled each time")
	f.IntVar(&o.tries, "tries", 3, "transmissions of a request before the login is lost")
	f.BoolVar(&o.verify, "verify", false, "drop replies whose first attribute is not a right Message-Authenticator")
	f.IntVar(&o.first, "first", 0, "number of the first user")
	f.IntVar(&o.count, "count", 1000, "number of users")
	f.StringVar(&o.user, "user", "user%06d", "pattern of the usernames")
	f.StringVar(&o.password, "password", "password-%06d", "pattern of the passwords, or everyone's")
	f.StringVar(&o.key, "key", "", "everyone's TOTP key, in base32; for test keys only, since flags are in the process list")
	f.StringVar(&o.seed, "seed", "", "derive a TOTP key for each user: HMAC-SHA256(seed, username), 20 octets")
	f.StringVar(&o.keysFile, "keys", "", `file of lines "username key"; goes before --key and --seed`)
	f.BoolVar(&o.register, "register", false, "register everyone who is not in --keys, by their first login, and add the keys to it")
	f.IntVar(&o.inFlight, "in-flight", 64, "logins in flight in a closed loop and in a registration")
	f.Float64Var(&o.rate, "rate", 0, "logins started per second in an open loop; 0 is a closed loop")
	f.BoolVar(&o.constant, "constant", false, "start the logins of an open loop at even distances instead of at random")
	f.DurationVar(&o.warmup, "warmup", time.Second, "time before logins are measured")
	f.DurationVar(&o.duration, "duration", 10*time.Second, "time for which logins are measured")
	f.StringVar(&o.cpuPIDs, "cpu-pids", "", "processes whose CPU time and memory to report: name=pid,name=pid")
	f.BoolVar(&o.quiet, "quiet", false, "no table on standard error")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	if f.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, o.complete()
}

// complete checks the flags and reads the files.
func (o *options) complete() (err error) {
	for text := range strings.SplitSeq(o.server, ",") {
		address, err := netip.ParseAddrPort(text)
		if err != nil {
			return fmt.Errorf("--server: want an IP address and a port: %w", err)
		}
		o.addresses = append(o.addresses, address)
	}
	if o.secretFile == "" {
		return errors.New("--secret-file is needed: a file with the shared secret of this client")
	}
	if o.secret, err = os.ReadFile(o.secretFile); err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	o.secret = bytes.TrimRight(o.secret, "\r\n")
	if o.duration <= 0 || o.warmup < 0 {
		return errors.New("--duration must be positive, and --warmup not negative")
	}
	if o.watched, err = procs.Parse(o.cpuPIDs); err != nil {
		return fmt.Errorf("--cpu-pids: %w", err)
	}
	if o.key != "" {
		if err := people.CheckKey(o.key); err != nil {
			return fmt.Errorf("--key: %w", err)
		}
	}
	if o.keysFile == "" {
		if o.register {
			return errors.New("--register needs --keys, the file to keep the keys in")
		}
		if o.key == "" && o.seed == "" {
			return errors.New("one of --key, --seed and --keys is needed to make codes")
		}
		return nil
	}
	if o.keysInFile, err = people.ReadKeys(o.keysFile); err != nil {
		return fmt.Errorf("--keys: %w", err)
	}
	return nil
}

// people makes the range of users. Who is to register has no key but the file's.
func (o *options) people() (*people.Range, error) {
	keys := people.Keys{File: o.keysInFile, Shared: o.key, Seed: o.seed}
	if o.register {
		keys.Shared, keys.Seed = "", ""
	}
	return people.New(people.Config{First: o.first, Count: o.count, User: o.user, Password: o.password, Keys: keys})
}
