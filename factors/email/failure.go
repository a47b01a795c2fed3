package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// kind is what a failure means for the message.
type kind uint8

const (
	// temporary: another server may take it, or this one later.
	temporary kind = iota
	// faulty: this server cannot be used as it is configured; another may take the message.
	faulty
	// refused: the recipient or the message is refused for good.
	refused
)

// stage is the point of the conversation at which it failed.
type stage string

const (
	stageConnect  stage = "connect"
	stageTLS      stage = "TLS"
	stageStartTLS stage = "STARTTLS"
	stageHello    stage = "EHLO"
	stageAuth     stage = "AUTH"
	stageMail     stage = "MAIL"
	stageRcpt     stage = "RCPT"
	stageData     stage = "DATA"
)

// failure is why a server did not take a message. Its text quotes nothing that the server said: that
// could hold the address, or the message.
type failure struct {
	kind  kind
	stage stage
	err   error
}

// maxReason bounds the text of a failure, in characters: a certificate may bear many names.
const maxReason = 300

// Error says at which stage it failed, and how.
func (f *failure) Error() string {
	return oneLine(fmt.Sprintf("%s: %s", f.stage, describe(f.err)), maxReason)
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// errStuck is the cause where the context ended.
var errStuck = errors.New("no answer in time")

// fail judges an error of a stage. An answer is judged by its first digit (RFC 5321 §4.2.1), a lost
// connection passes, and all else (a bad certificate, a missing extension, something that is no mail
// server) is the server's fault.
func fail(ctx context.Context, at stage, err error) *failure {
	var answer *smtp.SMTPError
	switch {
	case errors.As(err, &answer) && answer.Code < 500:
		return &failure{temporary, at, err}
	case errors.As(err, &answer) && (at == stageRcpt || at == stageData):
		return &failure{refused, at, err}
	case errors.As(err, &answer):
		return &failure{faulty, at, err}
	case ctx.Err() != nil:
		return &failure{temporary, at, fmt.Errorf("%w: %w", errStuck, context.Cause(ctx))}
	case isLost(err):
		return &failure{temporary, at, err}
	}
	return &failure{faulty, at, err}
}

// isLost reports whether a connection was not made, or broke.
func isLost(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return false // an alert: the server does not want our TLS (RFC 8446 §6)
	}
	var lost net.Error
	return errors.As(err, &lost) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// local is an error in our own words.
type local string

// Error returns the words.
func (l local) Error() string { return string(l) }

// describe puts an error into words without what a server said.
func describe(err error) string {
	var (
		answer *smtp.SMTPError
		token  *sasl.OAuthBearerError
		lost   net.Error
		cert   *tls.CertificateVerificationError
		noTLS  tls.RecordHeaderError
		odd    textproto.ProtocolError
		own    local
	)
	switch {
	case errors.Is(err, errStuck):
		return errStuck.Error()
	case errors.As(err, &answer):
		return "the server answered " + status(answer)
	case errors.As(err, &token):
		return "the server refused the access token"
	case errors.As(err, &own), errors.As(err, &cert), errors.As(err, &lost):
		return err.Error()
	case errors.As(err, &noTLS):
		return "the server does not speak TLS on this port"
	case errors.Is(err, errTooMuch):
		return errTooMuch.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "the server closed the connection"
	case errors.As(err, &odd), errors.Is(err, smtp.ErrTooLongLine):
		return "the answer is not SMTP"
	}
	return "the conversation failed"
}

// status is the code of an answer with its enhanced code (RFC 3463), where there is one.
func status(e *smtp.SMTPError) string {
	c := e.EnhancedCode
	if c == (smtp.EnhancedCode{}) || c == smtp.NoEnhancedCode {
		return fmt.Sprint(e.Code)
	}
	return fmt.Sprintf("%d %d.%d.%d", e.Code, c[0], c[1], c[2])
}
