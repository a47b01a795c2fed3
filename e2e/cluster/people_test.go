//go:build e2e

package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"golang.org/x/crypto/argon2"

	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// password is everybody's: it is not what is tested.
const password = "correct horse"

// person is somebody in the directory.
type person struct {
	id, name string
	// key is the TOTP key in base32, once registered, and used the time step of that.
	key  string
	used int64
}

func folk(n int) []person {
	all := make([]person, n)
	for i := range all {
		all[i] = person{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), name: fmt.Sprintf("user%03d", i)}
	}
	return all
}

// writePeople writes the file of a local directory. The hash is the cheapest one that there is: the
// time of three nodes on one machine is for other things.
func writePeople(file string, all []person) error {
	const memory, passes, lanes = 8, 1, 1
	salt := []byte("0123456789abcdef")
	b64 := base64.RawStdEncoding
	hash := fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, b64.EncodeToString(salt),
		b64.EncodeToString(argon2.IDKey([]byte(password), salt, passes, memory, lanes, 32)))
	var text strings.Builder
	for _, p := range all {
		fmt.Fprintf(&text, "[[users]]\nid = %q\nname = %q\npassword_hash = %q\n\n", p.id, p.name, hash)
	}
	return os.WriteFile(file, []byte(text.String()), 0o600)
}

// stepNow is the TOTP time step of the test's clock.
func stepNow() int64 { return time.Now().Unix() / 30 }

// code is the person's code of a time step; of step 0 one that is wrong.
func (p person) code(step int64) string {
	if step == 0 {
		return p.wrong()
	}
	c, err := hotp.GenerateCodeCustom(p.key, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix})
	if err != nil {
		panic(err) // the key came from the daemon
	}
	return c
}

// wrong is a code that fits no time step near now.
func (p person) wrong() string {
	for i := 0; ; i++ {
		c := fmt.Sprintf("%06d", i)
		right := false
		for step := stepNow() - 4; step <= stepNow()+4; step++ {
			right = right || p.code(step) == c
		}
		if !right {
			return c
		}
	}
}

// register registers everybody by a first login, with the code of the time step before this one, so that
// this one's is unused. Logins go to all nodes in turn.
func (s *site) register() {
	s.Helper()
	const atOnce = 16
	callers := make([]*radius.Caller, len(s.nodes))
	for i, n := range s.nodes {
		c, err := radius.Dial(radius.CallerConfig{Server: n.Radius, Secret: servers.ClientSecret})
		s.must(err)
		defer c.Close()
		callers[i] = c
	}
	var all sync.WaitGroup
	errs := make([]error, len(s.people))
	room := make(chan struct{}, atOnce)
	for i := range s.people {
		room <- struct{}{}
		all.Go(func() {
			errs[i] = s.people[i].register(s.Context(), callers[i%len(callers)])
			<-room
		})
	}
	all.Wait()
	s.must(errors.Join(errs...))
}

func (p *person) register(ctx context.Context, c *radius.Caller) error {
	first, err := c.Exchange(ctx, radius.Message{Username: p.name, Password: password})
	if err != nil {
		return fmt.Errorf("register %s: %w", p.name, err)
	}
	if p.key = strings.ReplaceAll(first.Prompt.SecretKey.Reveal(), " ", ""); p.key == "" {
		return fmt.Errorf("%s was not asked to register: %v %s", p.name, first.Verdict, first.Code)
	}
	const tries = 3 // the time step may change on the way
	state := first.State
	for range tries {
		p.used = stepNow() - 1
		r, err := c.Exchange(ctx, radius.Message{Username: p.name, Password: login.Secret(p.code(p.used)), State: state})
		switch {
		case err != nil:
			return fmt.Errorf("register %s: %w", p.name, err)
		case r.Verdict == login.Accept:
			return nil
		case r.Code != login.CodeOTPInvalid:
			return fmt.Errorf("%s was not registered: %v %s", p.name, r.Verdict, r.Code)
		}
		state = r.State
	}
	return fmt.Errorf("%s was not registered with %d codes", p.name, tries)
}
