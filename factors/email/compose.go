package email

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	stdmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

// content is what a message says.
type content struct {
	subject, text, html string
}

// compose writes a message (RFC 5322) of a text and an HTML part. Its header holds no text of a user:
// the recipient is a parsed address.
func compose(from *stdmail.Address, to string, c content, at time.Time) ([]byte, error) {
	var h mail.Header
	h.SetAddressList("From", []*mail.Address{{Name: from.Name, Address: from.Address}})
	h.SetAddressList("To", []*mail.Address{{Address: to}})
	h.SetDate(at)
	h.Set("Subject", encodeSubject(c.subject))
	_, domain, _ := strings.Cut(from.Address, "@") // a local part with another @ is refused
	h.SetMessageID(strings.ToLower(rand.Text() + "@" + domain))
	// No vacation message answers (RFC 3834 §5); Exchange has a field of its own for it.
	h.Set("Auto-Submitted", "auto-generated")
	h.Set("X-Auto-Response-Suppress", "All")

	var b bytes.Buffer
	w, err := mail.CreateInlineWriter(&b, h)
	if err != nil {
		return nil, err
	}
	// The last part is the one to prefer (RFC 2046 §5.1.4).
	for _, part := range []struct{ kind, body string }{{"text/plain", c.text}, {"text/html", c.html}} {
		if err := addPart(w, part.kind, part.body); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// encodeSubject writes a subject as encoded-words (RFC 2047) where it is not plain ASCII. They are short,
// so that the header can be folded between them: no line with an encoded-word may have more than 76
// characters (§2), and the library's own fill a line without the field's name.
func encodeSubject(subject string) string {
	const most = 30 // octets of text in one word
	if !strings.ContainsFunc(subject, func(r rune) bool { return r > '~' }) && !strings.Contains(subject, "=?") {
		return subject
	}
	var words []string
	for start, end := 0, 0; start < len(subject); start = end {
		for end < len(subject) {
			_, size := utf8.DecodeRuneInString(subject[end:])
			if end+size-start > most {
				break
			}
			end += size
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(subject[start:end]))+"?=")
	}
	return strings.Join(words, " ")
}

func addPart(to *mail.InlineWriter, kind, body string) error {
	h := mail.InlineHeader{Header: message.Header{}}
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	w, err := to.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(body)); err != nil {
		return err
	}
	return w.Close()
}
