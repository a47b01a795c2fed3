package login_test

import (
	"testing"

	"sallyport/login"
)

func TestR10PromptsThatAskForEnter(t *testing.T) {
	for text, want := range map[string]bool{
		"Enter a new PIN, or press Enter for a system-generated PIN:":                    true,
		"Press ENTER to have the system generate your PIN":                               true,
		"To generate a PIN press <Enter>:":                                               true,
		"press the [Return] key for a PIN made by the server":                            true,
		"Hit return for a system-generated PIN":                                          true,
		"or press\r\n  \"Enter\" for a new one":                                          true,
		"Leave it blank for a system-generated PIN and press Enter":                      true,
		"Leave this field empty to get a PIN":                                            true,
		"Enter your new PIN, containing 4 to 8 digits, then press Enter:":                false,
		"Type the tokencode and press Enter":                                             false,
		"Enter your new Alpha-Numerical PIN":                                             false,
		"Enter a new PIN having from 4 to 8 alphanumeric characters:":                    false,
		"Please press enterprise":                                                        false,
		"Are you prepared to accept a system-generated PIN [y/n]?":                       false,
		"Wait for the tokencode to change, then enter the new tokencode":                 false,
		"Your new PIN is: 12345678":                                                      false,
		"":                                                                               false,
		"\xff\xfepress enter":                                                            true,
		"Type your PIN and press Enter, or press Enter alone for a system-generated PIN": true,
	} {
		if got := (&login.Dialogue{Text: login.Secret(text)}).TakesEmpty(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if !(&login.Dialogue{Text: "Laissez vide", Empty: true}).TakesEmpty() {
		t.Error("what the site says is not heeded")
	}
}
