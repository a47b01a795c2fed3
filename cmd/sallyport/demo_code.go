package main

import (
	"context"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport/factors/totp"
)

// demoCode plays the authenticator app. It shows the code of the time step before the current one,
// which the window still allows, so that the code that a person reads from their own app at this
// moment is not used up. After a restart that code may be used already; then it shows the next
// unused one, and waits until the window allows it.
func (d *daemon) demoCode(ctx context.Context) (string, error) {
	id, err := d.demoUserID(ctx, demoUser)
	if err != nil {
		return "", err
	}
	enrolment, err := d.state.Enrolment(ctx, id)
	if err != nil {
		return "", err
	}
	return demoCodeAfter(ctx, enrolment.Credentials[totp.Name].Last, d.now)
}

// demoCodeAfter returns that code; used is the last time step that was.
func demoCodeAfter(ctx context.Context, used uint64, now func() time.Time) (string, error) {
	step := max(uint64(now().Unix())/demoStep-totp.StepsBehind, used+1)
	opens := time.Unix(int64((step-totp.StepsAhead)*demoStep), 0)
	select {
	case <-time.After(opens.Sub(now())):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return hotp.GenerateCodeCustom(demoKey, step, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

const demoStep = uint64(totp.TimeStep / time.Second)
