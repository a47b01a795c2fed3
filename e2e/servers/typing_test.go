package servers

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// asking is a client that reads a name and a code, says who it was, and lets in by the code "right".
const asking = `
printf 'hello\nName: ' >&2; read -r name || { echo 'nobody there' >&2; exit 1; }
printf 'Code for %s: ' "$name" >&2; read -r code || { echo 'no code' >&2; exit 1; }
echo "it was $name"
test "$code" = right`

func TestTalkTypesAtEachPrompt(t *testing.T) {
	nameOf := func(prompt string) string { return strings.TrimPrefix(prompt, "hello\n") }
	for _, c := range []struct {
		name     string
		answers  []Answer
		accepted bool
		prompts  []string
		end      string
	}{
		{"right", []Answer{Type("alice"), Type("right")}, true, []string{"hello\nName:", "Code for alice:"}, "it was alice"},
		{"wrong", []Answer{Type("alice"), Type("wrong")}, false, []string{"hello\nName:", "Code for alice:"}, "it was alice"},
		{"empty line", []Answer{Type(""), Type("right")}, true, []string{"hello\nName:", "Code for :"}, "it was"},
		{"answer by the prompt", []Answer{nameOf, Type("right")}, true, []string{"hello\nName:", "Code for Name::"}, "it was Name:"},
		{"walks away at the second prompt", []Answer{Type("alice")}, false, []string{"hello\nName:", "Code for alice:"}, "no code"},
		{"interrupts it", []Answer{Type("alice"), nil}, false, []string{"hello\nName:", "Code for alice:"}, ""},
		{"walks away at once", nil, false, []string{"hello\nName:"}, "nobody there"},
		{"types more than is asked for", []Answer{Type("a"), Type("right"), Type("more")}, true, []string{"hello\nName:", "Code for a:"}, "it was a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := talk(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", asking), strings.TrimSpace, c.answers)
			if err != nil {
				t.Fatal(err)
			}
			if d.Accepted != c.accepted || !slices.Equal(d.Prompts, c.prompts) || d.End != c.end {
				t.Errorf("got %+v", d)
			}
			if want := c.prompts[len(c.prompts)-1]; d.Asked() != want {
				t.Errorf("last asked %q, want %q", d.Asked(), want)
			}
		})
	}
}

func TestTalkSaysWhenTheClientDoesNotEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	d, err := talk(ctx, exec.CommandContext(ctx, "sleep", "60"), strings.TrimSpace, nil)
	if !errors.Is(err, context.DeadlineExceeded) || d.Accepted {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := talk(t.Context(), exec.Command("/no/such/client"), strings.TrimSpace, nil); err == nil {
		t.Error("a client that cannot be run is no error")
	}
}

func TestOpenConnectTextIsTheServers(t *testing.T) {
	const connecting = "POST https://127.0.0.1:4443/\nConnected to 127.0.0.1:4443\nXML POST enabled\nPlease enter your username.\n"
	for _, c := range []struct{ shown, want string }{
		{connecting + "POST https://127.0.0.1:4443/auth\nPlease enter your password.\nPassword:", "Please enter your password."},
		{"\nPOST https://127.0.0.1:4443/auth\nFirst line.\nSecond line:\n\nPassword1:", "First line.\nSecond line:"},
		{"\nPOST https://127.0.0.1:4443/auth\nFailed to complete authentication\n", "Failed to complete authentication"},
		{"", ""},
	} {
		if got := openconnectText(c.shown); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.shown, got, c.want)
		}
	}
}
