//go:build e2e

package vpn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"sallyport/audit"
	"sallyport/e2e/servers"
	"sallyport/login"
	"sallyport/radius"
)

// account sends a Start of a session from the test program and reports whether it was answered. The packet
// is signed and its answer verified by the codec, which is none of our code.
func (s *site) account(ctx context.Context, session string) error {
	p := codec.New(codec.CodeAccountingRequest, []byte(servers.ClientSecret))
	if err := errors.Join(rfc2866.AcctStatusType_Set(p, rfc2866.AcctStatusType_Value_Start), rfc2866.AcctSessionID_SetString(p, session),
		rfc2865.UserName_SetString(p, user)); err != nil {
		return err
	}
	client := codec.Client{Retry: 500 * time.Millisecond}
	r, err := client.Exchange(ctx, p, s.node.Accounting)
	if err == nil && r.Code != codec.CodeAccountingResponse {
		err = fmt.Errorf("the answer is %s", r.Code)
	}
	return err
}

// sessions counts the events of each session in the store.
func (s *site) sessions() map[string]int {
	s.Helper()
	count := map[string]int{}
	for r, err := range audit.Read(s.node.Events) {
		var a radius.AccountingRecord
		if err == nil {
			err = json.Unmarshal(r.Event, &a)
		}
		if err != nil {
			s.Fatal(err)
		}
		count[a.SessionID]++
	}
	return count
}

// TestC6AnsweredAccountingOutlivesACrash: kill -9 while many records come; each that was answered is there,
// once.
func TestC6AnsweredAccountingOutlivesACrash(t *testing.T) {
	s := start(t, "challenge")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	answered := map[string]bool{}
	enough := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 16 {
		senders.Go(func() {
			for n := 0; ; n++ {
				session := fmt.Sprintf("%d-%d", i, n)
				if s.account(ctx, session) != nil {
					return
				}
				mu.Lock()
				answered[session] = true
				if len(answered) == 300 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(30 * time.Second):
		t.Fatal("300 records were not answered in time")
	}
	s.node.Kill()
	cancel()
	senders.Wait()
	if err := s.node.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.account(t.Context(), "afterwards"); err != nil {
		t.Error(err)
	}
	answered["afterwards"] = true
	found := s.sessions()
	for session := range answered {
		if found[session] != 1 {
			t.Errorf("session %s, which was answered, is there %d times", session, found[session])
		}
	}
	for session, n := range found {
		if n > 1 {
			t.Errorf("session %s is there %d times", session, n)
		}
	}
}

// TestC6FullDiskLeavesAccountingUnanswered and logins as they are; with room both go on.
func TestC6FullDiskLeavesAccountingUnanswered(t *testing.T) {
	s := start(t, "append")
	s.node.Stop()
	if err := syscall.Mount("tmpfs", s.node.Events, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.node.Stop()
		if err := syscall.Unmount(s.node.Events, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := s.node.Start(); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(s.node.Events, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	s.node.Stop() // a full disk is no reason not to start again
	if err := s.node.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.account(ctx, "full"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a full disk: %v", err)
	}
	caller, err := radius.Dial(radius.CallerConfig{Server: s.node.Radius, Secret: servers.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	r, err := caller.Exchange(t.Context(), radius.Message{Username: user, Password: password + "," + login.Secret(s.code())})
	if err != nil || r.Verdict.String() != "accept" {
		t.Errorf("a login while the disk is full: %+v, %v", r, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.account(ctx, "room"); err != nil {
		t.Error(err)
	}
	if found := s.sessions(); found["full"] != 0 || found["room"] != 1 {
		t.Errorf("%v", found)
	}
}
