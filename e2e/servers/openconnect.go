package servers

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
)

// Talk logs in with Debian's openconnect, as a person at a terminal does: the first prompt asks for the
// password, each further one shows a Reply-Message. Accepted means that ocserv has handed out the
// cookie that opens a tunnel. The error says that openconnect could not be run or did not end within
// ctx, never that the login was refused. A refused password is asked for again; after a Reject of
// anything else there is no prompt more, and ocserv keeps the Reply-Message to itself.
func (o *Ocserv) Talk(ctx context.Context, user string, answers ...Answer) (Dialogue, error) {
	cmd := exec.CommandContext(ctx, "openconnect", "--authenticate", "--no-system-trust", "--cafile", o.CAFile,
		"--user", user, "https://"+o.Address)
	var cookie bytes.Buffer
	cmd.Stdout = &cookie
	d, err := talk(ctx, cmd, openconnectText, answers)
	d.Accepted = d.Accepted && bytes.Contains(cookie.Bytes(), []byte("COOKIE="))
	return d, err
}

// openconnectText cuts what is shown down to the server's text: above it stands the progress of the
// connection, below it, at a prompt, the label of the field.
func openconnectText(shown string) string {
	if request := strings.LastIndex(shown, "POST https://"); request >= 0 {
		_, shown, _ = strings.Cut(shown[request:], "\n")
	}
	if label := strings.LastIndexByte(shown, '\n'); label >= 0 {
		shown = shown[:label]
	}
	return strings.TrimSpace(shown)
}
