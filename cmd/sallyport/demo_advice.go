package main

import (
	"fmt"
	"regexp"
	"strings"
)

// demoAdvice says what a person can try while the demo runs, with the program as it was called.
func demoAdvice(program, server, socket string) string {
	return fmt.Sprintf(`
Try it, in another terminal:

  1. %[5]s / %[6]s is not registered yet: the first login shows a key for an authenticator app.

    %[9]s login --server %[1]s %[5]s

  2. %[3]s / %[4]s is registered. Add the key %[7]s to an app,
     or let "oathtool --totp --base32 %[7]s" compute codes.

    %[9]s login --server %[1]s %[3]s

  3. The same with FreeRADIUS's radclient: the password first,

    printf 'User-Name = "%[3]s"\nUser-Password = "%[4]s"\nMessage-Authenticator = 0x00\n' | radclient -x %[1]s auth %[2]s

     then the code (for CODE), with the State that the answer showed (for 0xSTATE):

    printf 'User-Name = "%[3]s"\nUser-Password = "CODE"\nState = 0xSTATE\nMessage-Authenticator = 0x00\n' | radclient -x %[1]s auth %[2]s

  4. As an administrator:

    %[9]s user list --socket %[8]s
    %[9]s status --socket %[8]s

The demo runs until it is interrupted (Ctrl-C). It writes no audit; with --log-level info it does.
`, server, demoSecret, demoUser, demoPassword, demoOtherUser, demoOtherPassword, demoKey, shellWord(socket), shellWord(program))
}

// shellWord writes text as one word of a shell's command line.
func shellWord(text string) string {
	if regexp.MustCompile(`^[\w./:=@%+-]+$`).MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
