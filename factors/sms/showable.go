package sms

import "strings"

// maxShown bounds what of a gateway's words is shown, in octets.
const maxShown = 64

// showable returns a gateway's id or code as it may be logged: a short word of plain characters that
// holds nothing of the message. Gateways that repeat the request in their answers exist.
func showable(word string, v values) string {
	if word == "" || len(word) > maxShown || strings.ContainsFunc(word, notShown) {
		return ""
	}
	for _, name := range []string{"Password", "Basic", "ToDigits", "Text", "Code"} {
		if v[name] != "" && strings.Contains(word, v[name]) {
			return ""
		}
	}
	return word
}

func notShown(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+ ", r)
}
