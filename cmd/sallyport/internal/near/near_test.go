package near_test

import (
	"testing"

	"sallyport/cmd/sallyport/internal/near"
)

func TestWordFindsWhatWasMeant(t *testing.T) {
	candidates := []string{"secret", "secret_file", "listen", "policy", "ui"}
	for typed, want := range map[string]string{
		"secert":      "secret",
		"Secret":      "secret",
		"secret-file": "secret_file",
		"lsiten":      "listen",
		"polices":     "policy",
		"u":           "ui",
		"colour":      "",
		"xx":          "",
		"":            "",
	} {
		got, ok := near.Word(typed, candidates)
		if got != want || ok != (want != "") {
			t.Errorf("Word(%q) = %q, %v, want %q", typed, got, ok, want)
		}
	}
}
