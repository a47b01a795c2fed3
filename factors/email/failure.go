package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	stageGreeting stage = "greeting"
	stageHello    stage = "EHLO"
	stageHelo     stage = "HELO"
	stageAuth     stage = "AUTH"
	stageMail     stage = "MAIL"
	stageRcpt     stage = "RCPT"
	stageData     stage = "DATA"
)

// failure is why a server did not take a message. Its text quotes what the server said, without what may be a secret
// or an address.
type failure struct {
	kind  kind
	stage stage
	err   error
	// masked are the secrets of this conversation.
	masked []string
}

// maxReason bounds the text of a failure, in characters: a certificate may bear many names.
const maxReason = 300

// Error says at which stage it failed, and how.
func (f *failure) Error() string {
	return oneLine(fmt.Sprintf("%s: %s", f.stage, f.describe()), maxReason)
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// errStuck is the cause where the context ended.
var errStuck = errors.New("no answer in time")

// fail judges an error of a stage, in a conversation with this server. An answer is judged by its first digit (RFC 5321
// §4.2.1), a lost connection passes, and all else (a bad certificate, a missing extension, something that is no mail
// server) is the server's fault. Masked is what must not stand in its text, besides the account.
func (s *server) fail(ctx context.Context, at stage, err error, masked ...string) *failure {
	var plain *textproto.Error
	if errors.As(err, &plain) {
		err = answerOf(plain)
	}
	f := &failure{kind: faulty, stage: at, err: err, masked: append(masked, s.account.secrets()...)}
	var answer *smtp.SMTPError
	switch {
	case errors.As(err, &answer) && answer.Code < 500:
		f.kind = temporary
	case errors.As(err, &answer) && (at == stageRcpt || at == stageData):
		f.kind = refused
	case errors.As(err, &answer):
	case ctx.Err() != nil:
		f.kind, f.err = temporary, fmt.Errorf("%w: %w", errStuck, context.Cause(ctx))
	case isLost(err):
		f.kind = temporary
	}
	return f
}

// enhanced is the enhanced code in front of an answer (RFC 2034).
var enhanced = regexp.MustCompile(`^([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)`)

// answerOf is an answer that was read without the library.
func answerOf(e *textproto.Error) *smtp.SMTPError {
	a := &smtp.SMTPError{Code: e.Code, Message: e.Msg, EnhancedCode: smtp.NoEnhancedCode}
	if m := enhanced.FindStringSubmatch(e.Msg); m != nil {
		for i := range a.EnhancedCode {
			a.EnhancedCode[i], _ = strconv.Atoi(m[i+1]) // digits
		}
		a.Message = e.Msg[len(m[0]):]
	}
	return a
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

// describe puts the cause into words.
func (f *failure) describe() string {
	err := f.err
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
		return "the server answered " + status(answer) + said(answer.Message, f.masked)
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

// maxSaid bounds what is quoted of an answer, in characters.
const maxSaid = 160

var (
	anAddress = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)
	// aCode may be one that was sent; aToken a password in base64, a session or a message id.
	aCode  = regexp.MustCompile(`[0-9]{4,}`)
	aToken = regexp.MustCompile(`[A-Za-z0-9+/=_-]{20,}`)
)

// said quotes what a server said, on one line, with "…" for addresses, numbers of four digits and more, what looks like
// base64, and the texts in masked, in whatever case.
func said(message string, masked []string) string {
	message = oneLine(strings.ToValidUTF8(message, "?"), 4*maxSaid)
	for _, secret := range slices.SortedFunc(slices.Values(masked), func(a, b string) int { return len(b) - len(a) }) {
		if len(secret) >= 3 {
			message = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(secret)).ReplaceAllString(message, "…")
		}
	}
	for _, r := range []*regexp.Regexp{anAddress, aToken, aCode} {
		message = r.ReplaceAllString(message, "…")
	}
	if message = strings.TrimSpace(message); message == "" {
		return ""
	}
	return ": " + oneLine(message, maxSaid)
}
