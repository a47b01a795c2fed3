package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

// dialogueConfig is what a dialogue needs.
type dialogueConfig struct {
	// exchange sends a request and returns its reply; usually the method of a [radius.Caller].
	exchange func(context.Context, radius.Message) (*radius.Response, error)
	// username is who logs in; empty means that it is asked for.
	username string
	// answer returns what the person types at a question.
	answer func(context.Context, question) (string, error)
	// transcript writes the questions and answers too, where nobody types them.
	transcript bool
	// nasIdentifier and callingStationID are sent with each request unless they are empty.
	nasIdentifier, callingStationID string
	// qr draws the code of a registration, with explicit colours where they are understood.
	qr, colours bool
	// trace is told of each exchange; nil means that nobody listens.
	trace func(radius.Message, *radius.Response, time.Duration)
	// now measures exchanges.
	now func() time.Time
}

// question is what a person is asked.
type question struct {
	// step is the step of the login, as far as the server tells; [login.StepPassword] for the
	// password, empty for the username.
	step login.Step
	// prompt ends with a blank, echo says that the answer may be shown.
	prompt string
	echo   bool
	// reply is the challenge; nil for username and password.
	reply *radius.Response
}

// runDialogue holds one login, prompt by prompt, until the server accepts or rejects, and writes
// what a person should see of it. An error means that there was no verdict: a
// [*radius.NoReplyError], io.EOF when answer has none, or the context's.
func runDialogue(ctx context.Context, w io.Writer, cfg dialogueConfig) (accepted bool, err error) {
	d := dialogue{w: w, cfg: cfg}
	m, err := d.begin(ctx)
	if err != nil {
		return false, err
	}
	for {
		r, err := d.exchange(ctx, m)
		if err != nil {
			return false, err
		}
		if r.Verdict != login.Challenge {
			d.showVerdict(r)
			return r.Verdict == login.Accept, nil
		}
		if r.State == "" {
			return false, errors.New("the server sent an Access-Challenge without State: it cannot be answered")
		}
		d.showChallenge(r)
		answer, err := d.ask(ctx, question{step: r.Prompt.Step, prompt: promptOf(r), echo: r.Prompt.Echo, reply: r})
		if err != nil {
			return false, err
		}
		m.State, m.Password = r.State, login.Secret(answer)
	}
}

type dialogue struct {
	w   io.Writer
	cfg dialogueConfig
	// shown is the key that was shown last: asked again, a person does not need it twice.
	shown string
	// registering says that an address is being registered, as far as the server tells.
	registering bool
}

// begin asks for what the first request holds.
func (d *dialogue) begin(ctx context.Context) (radius.Message, error) {
	m := radius.Message{
		Username: d.cfg.username, NASIdentifier: d.cfg.nasIdentifier, CallingStationID: d.cfg.callingStationID,
	}
	var err error
	if m.Username == "" {
		if m.Username, err = d.ask(ctx, question{prompt: "Username: ", echo: true}); err != nil {
			return m, err
		}
	} else if d.cfg.transcript {
		fmt.Fprintf(d.w, "Username: %s\n", printable(m.Username))
	}
	password, err := d.ask(ctx, question{step: login.StepPassword, prompt: "Password: "})
	m.Password = login.Secret(password)
	return m, err
}

// maxAnswer is how many octets a User-Password holds (RFC 2865 §5.2).
const maxAnswer = 128

// ask asks until there is an answer that can be sent.
func (d *dialogue) ask(ctx context.Context, q question) (string, error) {
	for {
		answer, err := d.askOnce(ctx, q)
		if err != nil || len(answer) <= maxAnswer {
			return answer, err
		}
		fmt.Fprintf(d.w, "That is %d octets long; RADIUS carries at most %d.\n", len(answer), maxAnswer)
	}
}

func (d *dialogue) askOnce(ctx context.Context, q question) (string, error) {
	if d.cfg.transcript {
		fmt.Fprint(d.w, q.prompt)
	}
	answer, err := d.cfg.answer(ctx, q)
	if d.cfg.transcript {
		fmt.Fprintln(d.w, printable(answer))
	}
	return answer, err
}

func (d *dialogue) exchange(ctx context.Context, m radius.Message) (*radius.Response, error) {
	began := d.cfg.now()
	r, err := d.cfg.exchange(ctx, m)
	if d.cfg.trace != nil {
		d.cfg.trace(m, r, d.cfg.now().Sub(began))
	}
	return r, err
}

func (d *dialogue) showVerdict(r *radius.Response) {
	word := "Rejected"
	if r.Verdict == login.Accept {
		word = "Accepted"
	}
	fmt.Fprintf(d.w, "%s: %s\n", word, printable(r.Message))
	if r.Registered {
		fmt.Fprintf(d.w, "Registered: %s. The next login asks for it.\n", printable(r.Factor))
	}
}

// showChallenge writes what the challenge holds besides its prompt.
func (d *dialogue) showChallenge(r *radius.Response) {
	if uri := registrationURI(r); uri != "" && uri != d.shown {
		d.shown = uri
		d.showKey(uri, r.Prompt.SecretKey.Reveal())
	}
	switch r.Prompt.Step {
	case login.StepRegisterAddress, login.StepConfirmAddress:
		d.registering = true
	case login.StepChooseFactor:
		d.registering = false
	}
	for _, about := range []string{detailsOf(r), keysOf(r, d.registering)} {
		if about != "" {
			fmt.Fprintf(d.w, "(%s)\n", about)
		}
	}
}

// showKey draws the code; key is empty where the prompt holds it.
func (d *dialogue) showKey(uri, key string) {
	if d.cfg.qr {
		if m, err := qrMatrix(uri); err == nil { // a key that fits no code can still be typed
			fmt.Fprintln(d.w)
			drawQR(d.w, m, d.cfg.colours)
			fmt.Fprintln(d.w)
		}
	}
	if key != "" {
		fmt.Fprintf(d.w, "Key: %s\n", grouped(key))
	}
}

// keyInText finds a key of 128 bits or more as a person is shown it: base32 in groups of four.
const keyInText = `\b([A-Z2-7]{4} ){6,}[A-Z2-7]{2,4}\b`

// registrationURI returns what an authenticator app scans: as the server says it, or, where we are
// not taken for a client with UI, made of the key in the prompt with what apps assume for a key
// that is typed in.
func registrationURI(r *radius.Response) string {
	if uri := r.Prompt.OTPAuthURI.Reveal(); uri != "" {
		return uri
	}
	key := strings.ReplaceAll(regexp.MustCompile(keyInText).FindString(r.Message), " ", "")
	if key == "" {
		return ""
	}
	q := url.Values{"secret": {key}, "issuer": {"Sallyport"}}
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/Sallyport", RawQuery: q.Encode()}).String()
}

// grouped writes a key in fours, however it came.
func grouped(key string) string {
	key = strings.ReplaceAll(printable(key), " ", "")
	var groups []string
	for len(key) > 4 {
		groups, key = append(groups, key[:4]), key[4:]
	}
	return strings.Join(append(groups, key), " ")
}
