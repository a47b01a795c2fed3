package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"sallyport/web/admin"
)

func userEnrolVerb() verb {
	return verb{
		name: "enrol", summary: "register a factor in a user's place",
		usage: "USER --factor FACTOR [--address ADDRESS] [--qr] [--json] [--yes]",
		note:  "The key of an authenticator app is printed once; hand it over on a safe way. The user is told where an address is known.",
		examples: []string{
			"sallyport user enrol alice --factor totp --qr",
			"sallyport user enrol alice --factor sms --address '+92 300 1234567'",
			"sallyport user enrol alice --factor email",
		},
		exits: adminExits,
		flags: func(fs *pflag.FlagSet) {
			socketFlag(fs)
			directoryFlag(fs)
			fs.String("factor", "", "the `factor` to register: totp, email or sms")
			fs.String("address", "", "the mail `address` or telephone number (default: what the directory holds)")
			fs.Bool("qr", false, "draw the key of an authenticator app as a QR code")
			jsonFlag(fs)
			yesFlag(fs)
		},
		run: enrolUser,
	}
}

func enrolUser(ctx context.Context, e env, fs *pflag.FlagSet, args []string) error {
	factor := text(fs, "factor")
	if factor == "" {
		return usageErrorf("which factor? --factor totp, email or sms")
	}
	p, err := findPerson(ctx, e, fs, args)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(p.User.Factors, func(f admin.Factor) bool { return f.Name == factor && f.Registered }) {
		if err := confirm(ctx, e, isSet(fs, "yes"), fmt.Sprintf("replace what %s has registered with %s", p, factor)); err != nil {
			return err
		}
	}
	r, err := p.caller.Enrol(ctx, admin.EnrolAct{UserAct: p.act(fs), Address: text(fs, "address")})
	switch {
	case err != nil:
		return adminError(err)
	case isSet(fs, "json"):
		return printJSON(e.stdout, r)
	}
	return printEnrolment(e, fs, p, r)
}

// printEnrolment writes what the user needs on stdout.
func printEnrolment(e env, fs *pflag.FlagSet, p person, r admin.EnrolReply) error {
	factor := printable(text(fs, "factor"))
	if r.Address != "" {
		fmt.Fprintf(e.stdout, "%s: registered with %s, %s\n", p, factor, printable(r.Address))
		return nil
	}
	fmt.Fprintf(e.stderr, "%s: registered with %s; the key is shown this once\n", p, factor)
	if isSet(fs, "qr") {
		m, err := qrMatrix(r.OTPAuthURI)
		if err != nil {
			return err
		}
		drawQR(e.stdout, m, isTerminal(e.stdout))
	}
	return printTable(e.stdout, []string{"key", r.SecretKey}, []string{"uri", r.OTPAuthURI})
}
