package main

import (
	"fmt"
	"strings"

	"sallyport/login"
	"sallyport/radius"
)

// detailsOf says what the server tells by attributes and a person wants to know before answering.
func detailsOf(r *radius.Response) string {
	var details []string
	p := r.Prompt
	if p.MaskedAddress != "" && p.Step != login.StepConfirmAddress { // there the prompt is about it
		details = append(details, "sent to "+printable(p.MaskedAddress))
	}
	if p.ResendAfter > 0 {
		details = append(details, "another one in "+human(p.ResendAfter))
	}
	switch left := p.AttemptsLeft; {
	case left == 1:
		details = append(details, "one attempt left")
	case left > 1:
		details = append(details, fmt.Sprintf("%d attempts left", left))
	}
	if p.Expires > 0 {
		details = append(details, "expires in "+human(p.Expires))
	}
	return strings.Join(details, ", ")
}

// keysOf says what else than an answer may be typed, where the server takes us for a client that knows
// by itself. A server that does not says it in its prompt.
func keysOf(r *radius.Response, registering bool) string {
	p := r.Prompt
	var keys []string
	sent := p.Step == login.StepOTP && p.MaskedAddress != ""
	switch {
	case p.Step == login.StepChooseFactor:
		for i, choice := range p.Choices {
			keys = append(keys, fmt.Sprintf("%d = %s", i+1, printable(choice)))
		}
		return strings.Join(keys, ", ")
	case p.Step == login.StepConfirmAddress:
		return "y = yes, b = correct it"
	case sent:
		keys = append(keys, "r = resend")
	}
	switch {
	case sent && registering:
		keys = append(keys, "b = correct the address")
	case len(p.Choices) > 1:
		keys = append(keys, "b = other method")
	}
	return strings.Join(keys, ", ")
}

// promptOf returns the server's words, with a blank behind them.
func promptOf(r *radius.Response) string {
	prompt := strings.TrimRight(printable(withoutReturns(r.Message)), " \n")
	if prompt == "" {
		prompt = "Answer:"
	}
	return prompt + " "
}

// withoutReturns writes line ends as the terminal has them.
func withoutReturns(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}
