package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/web/status"
)

func TestTheSocketIsForOwnerAndGroup(t *testing.T) {
	d := startDaemon(t)
	info, err := os.Stat(d.server.Socket())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("mode %v", info.Mode())
	}
	dir, err := os.Stat(filepath.Dir(d.server.Socket()))
	if err != nil || dir.Mode().Perm()&0o007 != 0 {
		t.Errorf("directory %v %v", dir.Mode(), err)
	}
}

func TestASocketThatIsListenedOnIsLeftAlone(t *testing.T) {
	d := startDaemon(t)
	cfg := d.server.cfg
	second, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err == nil || !strings.Contains(err.Error(), "already listens") {
		t.Errorf("got %v", err)
	}
	if err := second.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Status(t.Context()); err != nil {
		t.Errorf("the first daemon lost its socket: %v", err)
	}
}

func TestASocketLeftByAKilledDaemonIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	l, err := listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestTheLongestPathOfASocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := dir + "/" + strings.Repeat("s", maxSocket-len(dir)-1)
	if err := ValidateSocket(path); err != nil {
		t.Error(err)
	}
	l, err := listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := ValidateSocket(path + "s"); err == nil || !strings.Contains(err.Error(), "has 108") {
		t.Errorf("got %v", err)
	}
}

func TestAFileInThePlaceOfTheSocketIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestShutdownRemovesTheSocket(t *testing.T) {
	d := startDaemon(t)
	if err := d.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(d.server.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := d.Status(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("asking a daemon that is gone: %v", err)
	}
}

func TestStatusIsWhatThePartsReport(t *testing.T) {
	d := startDaemon(t)
	got, err := d.Status(t.Context())
	if err != nil || got.Node != "node1" || !got.Parts["cluster"].Ready {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestClientsAreListedAndForgotten(t *testing.T) {
	d := startDaemon(t)
	list, err := d.Clients(t.Context())
	if err != nil || len(list.Clients) != 2 || list.Clients[0].Name != "cx" {
		t.Errorf("got %+v, %v", list, err)
	}
	got, err := d.Forget(t.Context(), "vpn")
	if err != nil || got.Addresses != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := `event=admin act="client forget" outcome=done`; !strings.Contains(d.log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, d.log)
	}
	if _, err := d.Forget(t.Context(), "vnp"); statusOf(err) != http.StatusNotFound {
		t.Errorf("a misspelt client: %v", err)
	}
	d.clients.err = errors.New("disk full")
	if _, err := d.Clients(t.Context()); statusOf(err) != http.StatusInternalServerError {
		t.Errorf("a failure: %v", err)
	}
}

func TestRequestsThatAreNotUnderstoodAreRefused(t *testing.T) {
	d := startDaemon(t)
	const asJSON = "application/json"
	tests := []struct {
		name, method, path, kind, body string
		want                           int
	}{
		{"unknown path", http.MethodGet, "/v1/nothing", "", "", http.StatusNotFound},
		{"unknown version", http.MethodGet, "/v2/users", "", "", http.StatusNotFound},
		{"a change by GET", http.MethodGet, "/v1/user/reset?user=alice", "", "", http.StatusNotFound},
		{"not JSON", http.MethodPost, "/v1/user/reset", "text/plain", `{"user":"alice"}`, http.StatusUnsupportedMediaType},
		{"cut short", http.MethodPost, "/v1/user/reset", asJSON, `{"user":`, http.StatusBadRequest},
		{"a field that is not known", http.MethodPost, "/v1/user/reset", asJSON, `{"user":"alice","only":"totp"}`, http.StatusBadRequest},
		{"two values", http.MethodPost, "/v1/user/reset", asJSON, `{"user":"alice"}{}`, http.StatusBadRequest},
		{"too large", http.MethodPost, "/v1/user/reset", asJSON, `{"user":"` + strings.Repeat("a", maxBodyBytes) + `"}`, http.StatusRequestEntityTooLarge},
		{"no user", http.MethodPost, "/v1/user/reset", asJSON, `{}`, http.StatusBadRequest},
		{"a page of no number", http.MethodGet, "/v1/users?limit=all", "", "", http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(tt.method, "http://admin"+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.kind != "" {
				r.Header.Set("Content-Type", tt.kind)
			}
			resp, err := d.Caller.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var p Problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
				t.Errorf("the answer is not JSON: %v", err)
			}
			if resp.StatusCode != tt.want || p.Message == "" {
				t.Errorf("got %d %+v, want %d", resp.StatusCode, p, tt.want)
			}
		})
	}
	if len(d.users.acts) > 0 {
		t.Errorf("something was changed: %v", d.users.acts)
	}
}

func TestAPanicCostsOneRequest(t *testing.T) {
	d := startDaemon(t)
	d.server.cfg.Status = panicking{}
	_, err := d.Status(t.Context())
	if statusOf(err) != http.StatusInternalServerError || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
	if _, err := d.Clients(t.Context()); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

type panicking struct{}

func (panicking) Report(context.Context) status.Report { panic("canary") }

func TestADaemonThatIsNotThereIsSaidSo(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := NewCaller(filepath.Join(dir, "none.sock")).Status(ctx)
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "--socket") {
		t.Errorf("no socket: %v", err)
	}
}

func TestAMissingPartIsRefused(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a server without parts was made")
	}
}
