package radius

import (
	"strings"
	"unicode/utf8"

	"layeh.com/radius/rfc2865"

	"sallyport/login"
)

// prompt is the text for the person, in characters that the client can show. What another server asks
// is relayed in its own words.
func (c *client) prompt(rep login.Reply) string {
	text := rep.Message
	if relayed := rep.Prompt.Text.Reveal(); rep.Verdict == login.Challenge && relayed != "" {
		text = relayed
	}
	if c.Prompts == PromptsUTF8 || c.Profile == login.ProfileUpstream {
		return text
	}
	return strings.Map(plainRune, text)
}

// plainRune is what stands for a character where only ASCII can be shown: a star for the bullet of
// masked addresses, a question mark for anything else.
func plainRune(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return r
	case r == '•':
		return '*'
	}
	return '?'
}

// addMessage adds the sentence, split where one attribute does not hold it, but never inside a
// character.
func addMessage(w *writer, message string) {
	if message == "" {
		message = login.MessageFallback
	}
	for len(message) > maxValue {
		at := maxValue
		for at > maxValue-utf8.UTFMax && !utf8.RuneStart(message[at]) {
			at--
		}
		w.text(rfc2865.ReplyMessage_Type, message[:at])
		message = message[at:]
	}
	w.text(rfc2865.ReplyMessage_Type, message)
}
