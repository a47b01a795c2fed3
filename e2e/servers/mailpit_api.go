package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"time"
)

// Mail is a message in a Mailpit, as it was read.
type Mail struct {
	ID      string
	From    *mail.Address
	To      []*mail.Address
	Subject string
	Text    string
	HTML    string
	// Header holds the fields as they came, not decoded.
	Header mail.Header `json:"-"`
}

// Messages returns the messages to an address, the newest first; "" means all.
func (m *Mailpit) Messages(ctx context.Context, to string) ([]Mail, error) {
	var list struct {
		Messages []struct{ ID string }
	}
	path := "messages?limit=500"
	if to != "" {
		path = "search?limit=500&query=" + url.QueryEscape(`to:"`+to+`"`)
	}
	if err := m.ask(ctx, http.MethodGet, path, nil, &list); err != nil {
		return nil, err
	}
	mails := make([]Mail, len(list.Messages))
	for i, one := range list.Messages {
		if err := m.ask(ctx, http.MethodGet, "message/"+one.ID, nil, &mails[i]); err != nil {
			return nil, err
		}
		if err := m.ask(ctx, http.MethodGet, "message/"+one.ID+"/headers", nil, &mails[i].Header); err != nil {
			return nil, err
		}
	}
	return mails, nil
}

// sentCode is a code on a line of its own.
var sentCode = regexp.MustCompile(`(?m)^\s*([0-9]{6,8})\s*$`)

// Code waits until there is mail to an address, and returns the code in the newest one.
func (m *Mailpit) Code(ctx context.Context, to string) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		mails, err := m.Messages(ctx, to)
		if err != nil {
			return "", err
		}
		if len(mails) > 0 {
			if found := sentCode.FindStringSubmatch(mails[0].Text); found != nil {
				return found[1], nil
			}
			return "", fmt.Errorf("no code in %q", mails[0].Text)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no mail to %s: %w", to, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Clear deletes all messages.
func (m *Mailpit) Clear(ctx context.Context) error {
	return m.ask(ctx, http.MethodDelete, "messages", nil, nil)
}

// Chaos says which answers are errors, always: to MAIL, to RCPT, to AUTH. 0 means none.
type Chaos struct {
	Sender, Recipient, Authentication int
}

// Chaos makes the server misbehave from now on; the zero value ends it.
func (m *Mailpit) Chaos(ctx context.Context, c Chaos) error {
	type trigger struct{ ErrorCode, Probability int }
	triggers := map[string]trigger{}
	for name, code := range map[string]int{"Sender": c.Sender, "Recipient": c.Recipient, "Authentication": c.Authentication} {
		if code != 0 {
			triggers[name] = trigger{code, 100}
		}
	}
	body, err := json.Marshal(triggers)
	if err != nil {
		return err
	}
	return m.ask(ctx, http.MethodPut, "chaos", body, nil)
}

// ask asks the API and reads the answer into result, unless that is nil.
func (m *Mailpit) ask(ctx context.Context, method, path string, body []byte, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, "http://"+m.api+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK {
		return errors.New("Mailpit: " + method + " " + path + ": " + r.Status + ": " + string(text))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}
