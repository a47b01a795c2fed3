package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// The bounds of a mail to the demo, in octets, and of a conversation.
const (
	maxDemoMail     = 256 << 10
	demoMailTimeout = 10 * time.Second
)

// mailbox takes every mail, on loopback, and shows it on the board.
type mailbox struct {
	board    *board
	server   *smtp.Server
	listener net.Listener
}

func openMailbox(b *board, log *slog.Logger) (*mailbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the demo's mailbox: %w", err)
	}
	m := &mailbox{board: b, listener: listener}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &mailSession{mailbox: m}, nil
	}))
	m.server.Domain = "localhost"
	m.server.MaxRecipients, m.server.MaxMessageBytes = 1, maxDemoMail
	m.server.ReadTimeout, m.server.WriteTimeout = demoMailTimeout, demoMailTimeout
	m.server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	go func() {
		if err := m.server.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
			log.Error("the demo's mailbox takes no mail any more", slog.Any("error", err))
		}
	}()
	return m, nil
}

// url is how the email factor names this server.
func (m *mailbox) url() string { return "smtp+plain://" + m.listener.Addr().String() }

// close ends the mailbox and the conversations in it.
func (m *mailbox) close() error {
	err := m.server.Close()
	// A server that ends before it has begun to serve does not know its listener.
	if again := m.listener.Close(); !errors.Is(again, net.ErrClosed) {
		err = errors.Join(err, again)
	}
	return err
}

// mailSession is one conversation with a client; it implements smtp.Session.
type mailSession struct {
	mailbox *mailbox
	to      string
}

// Reset forgets the recipient.
func (s *mailSession) Reset() { s.to = "" }

// Logout has nothing to give back.
func (s *mailSession) Logout() error { return nil }

// Mail takes any sender.
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes any recipient.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

// Data shows the mail.
func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r) // the server ends it at maxDemoMail
	if err != nil {
		return err
	}
	subject, text, err := readMail(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "this is no mail with a text"}
	}
	return s.mailbox.board.post("mailbox", "To: "+s.to+"\nSubject: "+subject+"\n\n"+text)
}

// readMail returns the subject and the plain text of a mail.
func readMail(raw []byte) (subject, text string, err error) {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return "", "", err
	}
	defer r.Close()
	if subject, err = r.Header.Subject(); err != nil {
		return "", "", err
	}
	for {
		part, err := r.NextPart()
		if err != nil { // io.EOF too: there must be a text
			return "", "", err
		}
		if kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type")); err == nil && kind == "text/plain" {
			content, err := io.ReadAll(part.Body)
			return subject, string(content), err
		}
	}
}
