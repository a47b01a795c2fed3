package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"sallyport/cmd/sallyport/internal/config"
)

func TestTheSocketIsFoundWithoutTheRest(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "sallyport.toml")
	for text, want := range map[string]string{
		"[admin]\nsocket = \"/run/a.sock\"\n[node]\nmaster_key_file = \"/nowhere\"\nwrong = 1": "/run/a.sock",
		"[admin]\nsocket = \"a.sock\"":                       filepath.Join(folder, "a.sock"),
		"[admin]\nsocket = 1":                                "",
		"[node]\nname = \"node1\"":                           "",
		"admin = 1":                                          "",
		"[admin]\nsocket = \"/run/a.sock\"\n[admin]\n":       "",
		"[admin]\nsocket = \"/run/a.sock\"\nsockets = \"b\"": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := config.AdminSocket(file); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if got := config.AdminSocket(filepath.Join(folder, "none.toml")); got != "" {
		t.Errorf("without a file: %q", got)
	}
}
