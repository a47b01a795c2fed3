//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/e2e/servers"
)

// TestS11LoginsGoOnWhileNobodyReadsTheLog: standard error is a pipe with room for a page, and nobody reads it.
// The daemon starts, people log in, and the status port says what is wrong. Whoever reads then finds everything.
func TestS11LoginsGoOnWhileNobodyReadsTheLog(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	folk := people("unread", 4)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	s := startSiteOf(t, servers.SallyportOptions{Config: corp(slapd.CAFile, slapd.TLSURL()) + clients, Stderr: w})
	for _, p := range folk {
		key := s.register(p)
		s.want(s.ask(p.UID, code(t, key, 0), s.begin(p)), "Access-Accept", "accepted", "")
	}
	for _, page := range []string{"/readyz", "/healthz"} {
		status, body, err := s.Get(page)
		if err != nil || status != http.StatusOK || !strings.Contains(body, "[warn] log: nobody has read standard error for") {
			t.Errorf("%s: %d, %v: %s", page, status, err, body)
		}
	}

	accepted := make(chan int, 1)
	go func() {
		n := 0
		for lines := bufio.NewScanner(r); n < 2*len(folk) && lines.Scan(); {
			var line struct{ Event, Verdict string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Event == "login" && line.Verdict == "accept" {
				n++
			}
		}
		accepted <- n
	}()
	select {
	case n := <-accepted:
		if n != 2*len(folk) {
			t.Errorf("%d of %d Accepts are in the log", n, 2*len(folk))
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not every Accept is in the log")
	}
	go func() { // whatever follows
		for lines := bufio.NewScanner(r); lines.Scan(); {
		}
	}()
	s.eventually("a log that is read", func() error {
		if _, body, err := s.Get("/readyz"); err != nil || !strings.Contains(body, "[ ok ] log") {
			return fmt.Errorf("%v: %s", err, body)
		}
		return nil
	})
}
