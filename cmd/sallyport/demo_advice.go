package main

import (
	"fmt"
	"regexp"
	"strings"
)

// demoAdvice says what a person can try while the demo runs, with the program as it was called.
func demoAdvice(program, server, socket string) (string, error) {
	var people strings.Builder
	if err := printDemoPeople(&people); err != nil {
		return "", err
	}
	return fmt.Sprintf(`
The people of the demo:

%[1]s
Try it, in another terminal. Mails, text messages and what the tokens show appear here.

  1. Log in as any of them. The prompts say what to type.

    %[2]s login --server %[3]s %[4]s

     Codes of %[5]s's app are computed by "oathtool --totp --base32 %[6]s".
     There is a minute between two mails or text messages to the same person.

  2. The same with FreeRADIUS's radclient: the password first,

    printf 'User-Name = "%[5]s"\nUser-Password = "%[7]s"\nMessage-Authenticator = 0x00\n' | radclient -x %[3]s auth %[8]s

     then the code (for CODE), with the State that the answer showed (for 0xSTATE):

    printf 'User-Name = "%[5]s"\nUser-Password = "CODE"\nState = 0xSTATE\nMessage-Authenticator = 0x00\n' | radclient -x %[3]s auth %[8]s

  3. As an administrator:

    %[2]s user list --socket %[9]s
    %[2]s status --socket %[9]s

The demo runs until it is interrupted (Ctrl-C). It writes no audit; with --log-level info it does.
`, people.String(), shellWord(program), server, demoOtherUser, demoUser, demoKey, demoPassword, demoSecret, shellWord(socket)), nil
}

// shellWord writes text as one word of a shell's command line.
func shellWord(text string) string {
	if regexp.MustCompile(`^[\w./:=@%+-]+$`).MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
