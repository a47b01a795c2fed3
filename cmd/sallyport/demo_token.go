package main

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"sallyport/factors/securid"
	"sallyport/login"
	"sallyport/radius/rsatest"
)

// token is a stand-in for RSA Authentication Manager, on loopback, and the tokens that people have of
// it. What a token shows is put on the board when its owner is asked for it and it is another than before.
type token struct {
	board   *board
	manager *rsatest.Manager
	server  *rsatest.Server
	secret  login.Secret
	now     func() time.Time

	mu sync.Mutex
	// shown is what the board last said of each token.
	shown map[string]string
}

func openToken(b *board, now func() time.Time) (*token, error) {
	t := &token{board: b, secret: login.Secret(rand.Text()), now: now, shown: make(map[string]string)}
	t.manager = rsatest.New(rsatest.Config{
		Secret: t.secret, Now: now,
		// What the demo's factor takes for a passcode has a PIN of this length.
		MinPIN: securid.DefaultPINLength, MaxPIN: securid.DefaultPINLength,
	})
	for _, p := range demoPeople() {
		if p.group != demoTokens {
			continue
		}
		mode := rsatest.ModeReady
		if p.pin == "" {
			mode = rsatest.ModeNewPIN
		}
		t.manager.AddUser(p.name, p.pin, rand.Text(), mode)
	}
	var err error
	if t.server, err = t.manager.Start("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("the demo's RSA server: %w", err)
	}
	return t, nil
}

// close ends the RSA server.
func (t *token) close() error { return t.server.Close() }

// asked helps the owner of a token, who is asked for something now.
func (t *token) asked(user string, step login.Step) error {
	if t.manager.Tokencode(user) == "" {
		return nil
	}
	switch step {
	case login.StepPasscode, login.StepNextTokencode:
		return t.show(user, t.hint(user, step))
	case login.StepNewPIN:
		return t.show(user, fmt.Sprintf("Choose a PIN of %d letters and digits; it is asked for twice.", securid.DefaultPINLength))
	}
	return nil
}

// show puts a text on the board, unless it is what stands there of this token: a prompt that is
// repeated needs no second box.
func (t *token) show(user, text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shown[user] == text {
		return nil
	}
	t.shown[user] = text
	return t.board.post(user+"'s token", text)
}

// hint says what the token shows and what to type. A tokencode is good once: after that the hint is
// the next one, which the RSA server takes a minute before its time.
func (t *token) hint(user string, step login.Step) string {
	now := t.now()
	at := now
	for _, ahead := range []time.Duration{rsatest.TokenInterval, 0} {
		if t.used(user, now.Add(ahead)) {
			at = now.Add(ahead + rsatest.TokenInterval)
			break
		}
	}
	code, pin := t.manager.TokencodeAt(user, at), t.manager.PIN(user)
	shows := "The token shows " + code + "."
	if at.After(now) {
		shows = fmt.Sprintf("The token shows %s, which was used. The next one is %s", t.manager.TokencodeAt(user, now), code)
		if good := at.Truncate(rsatest.TokenInterval).Add(-rsatest.TokenInterval); good.After(now) {
			shows += ", good from " + good.Format(time.TimeOnly)
		}
		shows += "."
	}
	switch {
	case step == login.StepNextTokencode:
		return shows + "\nType that alone."
	case pin == "":
		return shows + "\nThere is no PIN yet: type that alone."
	}
	return fmt.Sprintf("%s\nThe PIN is %s: type %s%s", shows, pin, pin, code)
}

// used reports whether the RSA server has seen the tokencode of that minute.
func (t *token) used(user string, at time.Time) bool {
	code := t.manager.TokencodeAt(user, at)
	return t.server.Seen(code)+t.server.Seen(t.manager.PIN(user)+code) > 0
}
