package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// demoWorld is what a site has around Sallyport: a mail server, a gateway for text messages, an RSA
// server. All of it is in this process and on loopback.
type demoWorld struct {
	mailbox *mailbox
	phone   *phone
	token   *token
}

// openWorld starts the world; what arrives in it is shown on the board.
func openWorld(b *board, log *slog.Logger, now func() time.Time) (*demoWorld, error) {
	w := &demoWorld{}
	for _, open := range []func() (err error){
		func() (err error) { w.mailbox, err = openMailbox(b, log); return err },
		func() (err error) { w.phone, err = openPhone(b, log); return err },
		func() (err error) { w.token, err = openToken(b, now); return err },
	} {
		if err := open(); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// close ends those parts of the world that were started. The daemon must have ended before.
func (w *demoWorld) close() error {
	var errs []error
	if w.mailbox != nil {
		errs = append(errs, w.mailbox.close())
	}
	if w.phone != nil {
		errs = append(errs, w.phone.close())
	}
	if w.token != nil {
		errs = append(errs, w.token.close())
	}
	return errors.Join(errs...)
}

// factors is the configuration of the factors that the world serves.
func (w *demoWorld) factors() string {
	return fmt.Sprintf(`
[factors.email]
servers = [%q]
from = "Sallyport demo <login@example.org>"
brand = %q

[factors.sms]
url = [%q]
content_type = "application/json"
body = %q
default_region = "US"
brand = %q

[factors.securid]
servers = [%q]
secret = %q
`, w.mailbox.url(), demoBrand, w.phone.url(), demoPhoneBody, demoBrand, w.token.server.Addr(), w.token.secret.Reveal())
}
