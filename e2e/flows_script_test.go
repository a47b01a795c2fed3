//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sallyport/radius/rsatest"
)

// flow is one way through the conversation, played by a person of its own at every door. The scripts
// of testdata/flows are made of them. A line that begins with
//
//	==   begins a flow: the group of the person, and what the flow is. "rsa=new-pin", "rsa=system-pin"
//	     or "rsa=next-tokencode" says what the RSA server asks of them.
//	>    is what the person types; "= ACTION TEXT" behind it is what a client with screens of its own
//	     sends instead. {password} begins a login. "leave" ends one by walking away.
//	<    is what must come: a step, "accept" or "reject CODE", with the attributes that only a client
//	     with screens reads, and how an Accept was earned. What is not said must be absent, except that
//	     "code" is prompt, "left" is 3, and "factor" and "choices" stay as they were, "masked" within a
//	     step. "sent=" says to whom a code has gone. Behind the bar is how the text begins: of a prompt
//	     where people type, of a Reject where attributes are read, since the others do not show it.
//	!    is what an administrator does, a "sallyport user …".
//	@    is a mail or a text message that must have come: to whom, and a part of it; or "countdown":
//	     the person waits until another code may be sent.
//
// Words in braces are the person's own, such as {mail} and {code}: see visitor.value.
type flow struct {
	name, group string
	rsa         rsatest.Mode
	logins      [][]turn
	// after are the asides behind the last login.
	after []aside
}

// turn is an answer and the reply to it.
type turn struct {
	line string
	// before are done when the person is asked, before they answer.
	before []aside
	typed  string
	// action and text are what a client with screens sends; with no action that is what is typed.
	action, text string
	leave        bool
	want         want
}

// aside is what an administrator does, or a message that comes.
type aside struct {
	line, text string
	act        bool
}

// want is what a reply must be.
type want struct {
	// verdict is "accept", "reject" or "challenge"; step that of a challenge, code why.
	verdict, step, code string
	// fields are the rest; an attribute without a value is "yes".
	fields map[string]string
	// text is how the prompt begins.
	text string
}

// readFlows reads all scripts.
func readFlows(t *testing.T) []flow {
	t.Helper()
	paths, err := filepath.Glob("testdata/flows/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var all []flow
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		flows, err := parseFlows(strings.TrimSuffix(filepath.Base(path), ".txt"), string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, flows...)
	}
	return all
}

// parser reads one script.
type parser struct {
	file  string
	flows []flow
	// pending are the asides since the last reply; asked is whether an answer waits for its reply.
	pending []aside
	asked   bool
}

func parseFlows(file, text string) ([]flow, error) {
	p := &parser{file: file}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s.txt:%d: %s", file, n+1, line)
		mark, rest, _ := strings.Cut(line, " ")
		if err := p.take(where, mark, strings.TrimSpace(rest)); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
	}
	p.end()
	return p.flows, nil
}

// end closes the flow that was read.
func (p *parser) end() {
	if len(p.flows) > 0 {
		p.flows[len(p.flows)-1].after = p.pending
	}
	p.pending = nil
}

func (p *parser) take(where, mark, rest string) error {
	if mark == "==" {
		p.end()
		return p.begin(rest)
	}
	if len(p.flows) == 0 {
		return fmt.Errorf("no flow has begun")
	}
	f := &p.flows[len(p.flows)-1]
	switch mark {
	case ">":
		if p.asked {
			return fmt.Errorf("the answer before it has no reply")
		}
		p.asked = true
		e := answerLine(where, rest)
		e.before, p.pending = p.pending, nil
		if e.typed == "{password}" || e.typed == "wrong" {
			f.logins = append(f.logins, nil)
		}
		last := len(f.logins) - 1
		if last < 0 {
			return fmt.Errorf("no login has begun")
		}
		f.logins[last] = append(f.logins[last], e)
	case "<":
		if !p.asked {
			return fmt.Errorf("nothing was answered")
		}
		login := f.logins[len(f.logins)-1]
		p.asked = false
		var err error
		login[len(login)-1].want, err = replyLine(rest)
		return err
	case "!", "@":
		p.pending = append(p.pending, aside{where, rest, mark == "!"})
	default:
		return fmt.Errorf("not understood")
	}
	return nil
}

// begin reads "GROUP rsa=MODE | NAME".
func (p *parser) begin(rest string) error {
	who, name, ok := strings.Cut(rest, " | ")
	fields := strings.Fields(who)
	if !ok || len(fields) == 0 {
		return fmt.Errorf("want a group, a bar and a name")
	}
	f := flow{name: p.file + ": " + name, group: fields[0]}
	for _, option := range fields[1:] {
		mode, known := map[string]rsatest.Mode{
			"rsa=new-pin": rsatest.ModeNewPIN, "rsa=system-pin": rsatest.ModeSystemPIN, "rsa=next-tokencode": rsatest.ModeNextTokencode,
		}[option]
		if !known {
			return fmt.Errorf("%s is not known", option)
		}
		f.rsa = mode
	}
	p.flows = append(p.flows, f)
	return nil
}

// answerLine reads "TYPED = ACTION TEXT".
func answerLine(where, rest string) turn {
	typed, screen, _ := strings.Cut(rest+" ", " = ")
	e := turn{line: where, typed: strings.TrimSpace(typed)}
	e.action, e.text, _ = strings.Cut(strings.TrimSpace(screen), " ")
	switch e.typed {
	case "leave":
		e.leave = true
	case "nothing":
		e.typed = ""
	}
	return e
}

// replyLine reads "STEP FIELD=VALUE … | TEXT".
func replyLine(rest string) (want, error) {
	facts, text, _ := strings.Cut(rest, "|")
	fields := strings.Fields(facts)
	w := want{verdict: fields[0], code: "prompt", fields: map[string]string{}, text: strings.TrimSpace(text)}
	fields = fields[1:]
	switch {
	case w.verdict == "accept":
		w.code = "accepted"
	case w.verdict == "reject" && len(fields) > 0:
		w.code, fields = fields[0], fields[1:]
	default:
		w.verdict, w.step = "challenge", w.verdict
	}
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		switch {
		case key == "code":
			w.code = value
		case slices.Contains([]string{"factor", "choices", "masked", "left", "sent", "earned", "audit"}, key):
			w.fields[key] = value
		case field == "key=any":
			w.fields[key] = value
		case field == "key" || field == "registered":
			w.fields[key] = "yes"
		default:
			return want{}, fmt.Errorf("%s is not known", field)
		}
	}
	return w, nil
}
