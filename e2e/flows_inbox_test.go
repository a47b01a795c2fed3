//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// told waits for a message with some words.
func (v *visitor) told(address, words string) {
	v.t.Helper()
	if strings.HasPrefix(address, "+") {
		ctx, cancel := context.WithTimeout(v.t.Context(), 20*time.Second)
		defer cancel()
		if text, err := v.phone.Next(ctx, address); err != nil || !strings.Contains(text.Body, words) {
			v.t.Fatalf("%+v, %v; want %q", text, err, words)
		}
		return
	}
	v.in(v.t).eventually(fmt.Sprintf("a mail to %s with %q", address, words), func() error {
		mails, err := v.mail.Messages(v.t.Context(), address)
		for _, m := range mails {
			if strings.Contains(m.Subject+"\n"+m.Text, words) {
				return nil
			}
		}
		return fmt.Errorf("%d mails, %w", len(mails), err)
	})
}

var mailedCode = regexp.MustCompile(`(?m)^\s*([0-9]{6})\s*$`)

// mailed are the codes that came to an address, the newest last.
func (v *visitor) mailed(address string) []string {
	v.t.Helper()
	mails, err := v.mail.Messages(v.t.Context(), address)
	if err != nil {
		v.t.Fatal(err)
	}
	var codes []string
	for _, m := range slices.Backward(mails) {
		if code := mailedCode.FindStringSubmatch(m.Text); code != nil {
			codes = append(codes, code[1])
		}
	}
	return codes
}

// receive waits for the next code to an address.
func (v *visitor) receive(address string) {
	v.t.Helper()
	if strings.HasPrefix(address, "+") {
		ctx, cancel := context.WithTimeout(v.t.Context(), 20*time.Second)
		defer cancel()
		code, err := v.phone.Code(ctx, address)
		if err != nil {
			v.t.Fatal(err)
		}
		v.codes = append(v.codes, code)
	} else {
		v.in(v.t).eventually("a code to "+address, func() error {
			codes := v.mailed(address)
			if len(codes) <= v.got[address] {
				return fmt.Errorf("%d have come", len(codes))
			}
			v.codes = append(v.codes, codes[v.got[address]])
			return nil
		})
	}
	v.got[address]++
}

// counted fails when more codes were sent than the flow says.
func (v *visitor) counted() {
	v.t.Helper()
	for _, name := range []string{"mail", "home", "other"} {
		address := v.address(name)
		if codes := v.mailed(address); len(codes) != v.got[address] {
			v.t.Errorf("%d codes to %s, want %d", len(codes), address, v.got[address])
		}
	}
	texts, err := v.phone.Texts(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	got := map[string]int{}
	for _, text := range texts {
		if strings.Contains(text.Body, " code: ") {
			got[text.To]++
		}
	}
	for _, name := range []string{"phone", "mobile"} {
		if number := v.address(name); got[number] != v.got[number] {
			v.t.Errorf("%d codes to %s, want %d", got[number], number, v.got[number])
		}
	}
}
