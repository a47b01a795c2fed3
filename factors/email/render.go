package email

import (
	"fmt"
	"strings"
	"unicode"

	"sallyport/factors/internal/sentcode"
	"sallyport/login"
)

// subjectValues are what a subject knows. There is no code and no text of a user among them.
type subjectValues struct {
	Brand, Kind, Factor string
}

// codeValues are what the text and the HTML of a code know.
type codeValues struct {
	Brand, User, Code, Trace string
	Minutes                  int
}

// noticeValues are what the text and the HTML of a notice know.
type noticeValues struct {
	Brand, User, Kind, Factor, By, At string
}

// maxUser bounds how much of a login name is shown, in characters.
const maxUser = 64

// code writes the message of a code.
func (p *pages) code(m login.Message, brand string) (content, error) {
	return p.pick(m.Language).code.render(subjectValues{Brand: brand}, codeValues{
		Brand: brand, User: oneLine(m.User, maxUser), Code: m.Code.Reveal(), Trace: m.Trace,
		Minutes: sentcode.Minutes(m.Life),
	})
}

// notice writes the message of a notice.
func (p *pages) notice(n login.Notice, brand string) (content, error) {
	return p.pick(n.Language).notice.render(subjectValues{Brand: brand, Kind: string(n.Kind), Factor: n.Factor}, noticeValues{
		Brand: brand, User: oneLine(n.User, maxUser), Kind: string(n.Kind), Factor: n.Factor, By: n.By,
		At: n.At.UTC().Format("2006-01-02 15:04") + " UTC",
	})
}

// render fills in the three templates of a page.
func (p *page) render(subject subjectValues, body any) (content, error) {
	var head, text, html strings.Builder
	if err := p.subject.Execute(&head, subject); err != nil {
		return content{}, err
	}
	if err := p.text.Execute(&text, body); err != nil {
		return content{}, err
	}
	if err := p.html.Execute(&html, body); err != nil {
		return content{}, err
	}
	return content{subject: oneLine(head.String(), maxSubject), text: text.String(), html: html.String()}, nil
}

// maxSubject bounds a subject, in characters.
const maxSubject = 150

// oneLine makes a text of one line: without control characters, without the format characters that
// turn the direction of what follows, and with single blanks.
func oneLine(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return string(runes[:min(len(runes), most)])
}

// try fills in every template once, so that one that asks for something that it does not know stops
// the start instead of a login.
func (t *translation) try() error {
	const sample = "73019284"
	c, err := t.code.render(subjectValues{Brand: "Sallyport"}, codeValues{
		Brand: "Sallyport", User: "alice", Code: sample, Trace: "trace", Minutes: 5})
	if err != nil {
		return explain(err)
	}
	if !strings.Contains(c.text, sample) || !strings.Contains(c.html, sample) {
		return fmt.Errorf("%s and %s: one of them does not show {{.Code}}", t.code.text.Name(), t.code.html.Name())
	}
	if c.subject == "" {
		return fmt.Errorf("%s: the subject is empty", t.code.subject.Name())
	}
	for _, kind := range noticeKinds() {
		for _, by := range []string{"", "an administrator"} {
			c, err := t.notice.render(subjectValues{Brand: "Sallyport", Kind: string(kind), Factor: "totp"},
				noticeValues{Brand: "Sallyport", User: "alice", Kind: string(kind), Factor: "totp", By: by, At: "now"})
			if err != nil {
				return explain(err)
			}
			if c.subject == "" {
				return fmt.Errorf("%s: the subject is empty for .Kind %s", t.notice.subject.Name(), kind)
			}
		}
	}
	return nil
}

// explain adds what the template library does not know. Its own words hold file and line.
func explain(err error) error {
	if strings.Contains(err.Error(), "subjectValues") {
		return fmt.Errorf("%w: a subject knows .Brand, .Kind and .Factor only", err)
	}
	return err
}

func noticeKinds() []login.NoticeKind {
	return []login.NoticeKind{login.NoticeRegistered, login.NoticeReplaced, login.NoticeRemoved,
		login.NoticeBypass, login.NoticeRecovery, login.NoticeRecoveryUsed}
}
