package main

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"sallyport/radius"
)

// The README's section on the demo holds logins, each a block that begins with its command, and what
// the demo shows, each a block that is a box. The logins are played as they stand there, with codes of
// the moment in the place of the README's, and must read the same.
func TestTheReadmesLogins(t *testing.T) {
	logins, boxes := readmeBlocks(t)
	if len(logins) < 5 || len(boxes) < 3 {
		t.Fatalf("the README has %d logins and %d boxes", len(logins), len(boxes))
	}
	demo, server := startDemo(t)
	for _, block := range logins {
		command, written, _ := strings.Cut(block, "\n")
		person := strings.TrimPrefix(command, "$ bin/sallyport login ")
		played := playWritten(t, demo, server, person, written)
		if timeless(played) != timeless(written) {
			t.Errorf("the README's login of %s reads\n%s\nand is\n%s", person, written, played)
		}
	}
	shown := timeless(demo.stdout.String())
	for _, box := range boxes {
		if !strings.Contains(shown, timeless(box)) {
			t.Errorf("the demo shows no\n%s\nbut\n%s", box, shown)
		}
	}
}

// readmeBlocks returns the blocks of the README's section on the demo, without their indentation.
func readmeBlocks(t *testing.T) (logins, boxes []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## The demo\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(section, -1) {
		switch block = strings.ReplaceAll(block[4:], "\n    ", "\n"); {
		case strings.HasPrefix(block, "$ bin/sallyport login "):
			logins = append(logins, block)
		case strings.HasPrefix(block, "┌─ "):
			boxes = append(boxes, block)
		}
	}
	return logins, boxes
}

// timeless takes out what differs from run to run: codes, references and times.
func timeless(text string) string {
	text = regexp.MustCompile(`\b[0-9a-f]{16}\b`).ReplaceAllString(text, "REFERENCE")
	text = regexp.MustCompile(`[0-9]{6}\b`).ReplaceAllString(text, "CODE")
	return regexp.MustCompile(`expires in [^,)]+`).ReplaceAllString(text, "expires in TIME")
}

// playWritten holds a login as it is written down and returns it as it went.
func playWritten(t *testing.T, demo *program, server, person, written string) string {
	t.Helper()
	caller, err := radius.Dial(radius.CallerConfig{Server: server, Secret: demoSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	var played strings.Builder
	_, err = runDialogue(t.Context(), &played, dialogueConfig{
		exchange: caller.Exchange, username: person, transcript: true, now: time.Now,
		answer: func(_ context.Context, q question) (string, error) {
			last := q.prompt[strings.LastIndexByte(strings.TrimSuffix(q.prompt, "\n"), '\n')+1:]
			_, after, found := strings.Cut(written, last)
			if !found {
				t.Fatalf("the README's login of %s does not go on with %q:\n%s", person, q.prompt, played.String())
			}
			typed, rest, _ := strings.Cut(after, "\n")
			written = rest
			return codeOfNow(t, demo, person, typed), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, dialogue, _ := strings.Cut(played.String(), "\n") // the username stands in the command
	return dialogue
}

// codeOfNow returns what is typed, with a code of the demo where the text ends in a code. 000000 is
// meant as it stands.
func codeOfNow(t *testing.T, demo *program, person, typed string) string {
	t.Helper()
	if !regexp.MustCompile(`^\w*[0-9]{6}$`).MatchString(typed) || typed == "000000" {
		return typed
	}
	find := map[string]func(*testing.T, string) string{
		"carol": mailed(demo, "carol@example.org"), "craig": mailed(demo, "craig@example.com"),
		"dave": texted(demo, "+12025550147"), "dora": texted(demo, "+12025550162"), "frank": texted(demo, "+12025550188"),
		"erin": onBoard(demo, "erin's token", passcodeShown), "eric": onBoard(demo, "eric's token", tokencodeShown),
	}[person]
	if person == "eric" && len(typed) > len("000000") { // by now there is a PIN
		find = onBoard(demo, "eric's token", passcodeShown)
	}
	if find == nil {
		t.Fatalf("nothing shows a code for %s", person)
	}
	return find(t, "")
}
