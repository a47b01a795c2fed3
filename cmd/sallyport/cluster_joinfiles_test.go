package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATokenIsReadFromAFileOrStdin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" canary-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, stdin := range map[string]string{file: "", "-": "canary-token\r\n"} {
		got, err := readToken(t.Context(), env{stdin: strings.NewReader(stdin)}, name)
		if err != nil || got.Reveal() != "canary-token" {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
	for name, test := range map[string]struct{ file, stdin, want string }{
		"none":     {"", "", "--token-file is needed"},
		"empty":    {"-", "\n", "there is no token"},
		"too long": {"-", strings.Repeat("canary", maxToken), "too long"},
		"missing":  {file + ".not", "", "no such file"},
	} {
		_, err := readToken(t.Context(), env{stdin: strings.NewReader(test.stdin)}, test.file)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheMasterKeyIsWrittenWhereNoneIs(t *testing.T) {
	name := filepath.Join(t.TempDir(), "master.key")
	place, err := reserveKey(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(place.write([]byte("canary\n")), place.close()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	if _, err := reserveKey(name); err == nil || !strings.Contains(err.Error(), "holds a key already") {
		t.Errorf("over another key: %v", err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "canary\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestAJoinThatFailsLeavesNoMasterKey(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "master.key")
	place, err := reserveKey(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := place.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if err := os.Symlink(filepath.Join(folder, "elsewhere"), name); err != nil {
		t.Fatal(err)
	}
	if _, err := reserveKey(name); err == nil {
		t.Error("a link is followed")
	}
	if _, err := reserveKey(filepath.Join(folder, "no", "folder")); err == nil || !strings.Contains(err.Error(), "master_key_file") {
		t.Errorf("no folder: %v", err)
	}
}
