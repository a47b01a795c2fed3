package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/login"
	"sallyport/radius/rsatest"
)

// TestS20WhatRSAServersSignOutlivesTheDaemon: the file is written by what the daemon builds, read by the
// next one, and forgotten under another rule.
func TestS20WhatRSAServersSignOutlivesTheDaemon(t *testing.T) {
	m := rsatest.New(rsatest.Config{Now: time.Now})
	server, err := m.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	file := filepath.Join(t.TempDir(), replyFileName)
	kept := func() int { return newReplyFile(file, slog.New(slog.DiscardHandler)).Signed(server.Addr()) }
	table := strings.NewReplacer("127.0.0.1:1\"\nsecret = \"third-canary-of-24-octets", server.Addr()+"\"\nsecret = \""+rsatest.Secret.Reveal()).Replace(factorTables)
	for n, tt := range []struct {
		rule string
		want int
	}{{"auto", 2}, {"auto", 2}, {"optional", 0}, {"required", 0}, {"auto", 2}} {
		r := newReloads(t)
		r.replies = newReplyFile(file, slog.New(slog.DiscardHandler))
		r.take(small(t) + table + "message_authenticator = \"" + tt.rule + "\"\n")
		out := r.current.Load().factors["securid"].upstream.Forward(t.Context(), login.Forwarding{Username: "nobody", Answer: "12345678123456"})
		if out.Server != server.Addr() || out.Result == login.ForwardMisconfigured || kept() != tt.want {
			t.Errorf("start %d under %q: %+v, kept %d, want %d", n, tt.rule, out, kept(), tt.want)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

func TestAReplyFileThatCannotBeUsedIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "cut": `{"192.0.2.7:1812":`, "null": "null", "a list": "[1]"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		r := newReplyFile(file, slog.New(slog.NewTextHandler(&log, nil)))
		if got := r.Signed("192.0.2.7:1812"); got != 0 || text != "null" && !strings.Contains(log.String(), "learning it again") {
			t.Errorf("%s: %d, logged %q", name, got, log.String())
		}
		r.Keep("192.0.2.7:1812", 2)
		if got := newReplyFile(file, slog.New(slog.DiscardHandler)).Signed("192.0.2.7:1812"); got != 2 {
			t.Errorf("%s: kept %d", name, got)
		}
	}
	var log bytes.Buffer
	r := newReplyFile(filepath.Join(dir, "no", "folder"), slog.New(slog.NewTextHandler(&log, nil)))
	if r.Keep("192.0.2.7:1812", 1); r.Signed("192.0.2.7:1812") != 1 || !strings.Contains(log.String(), "cannot keep") {
		t.Errorf("without a folder: %d, logged %q", r.Signed("192.0.2.7:1812"), log.String())
	}
}
