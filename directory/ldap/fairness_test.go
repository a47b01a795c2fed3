package ldap_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"sallyport/directory/ldap"
	"sallyport/login"
)

// S9: while all that one client asks hangs, another's password is checked, and its entry is looked up.
func TestS9TheDirectoryServesAQuietClientBesideAFlood(t *testing.T) {
	const hanging = 48 // what one client may have of 64 places
	for _, step := range []string{"bind", "search"} {
		t.Run(step, func(t *testing.T) {
			hung := make(chan bool, 1000)
			f := startFake(t, func(f *fake, conn net.Conn) {
				requests(f, conn, func(id int64, op *ber.Packet) {
					if bytes.Contains(op.Bytes(), []byte("flood")) {
						hung <- true
						return
					}
					answer := message(id, goldap.ApplicationBindResponse, goldap.LDAPResultInvalidCredentials, "")
					if op.Tag == goldap.ApplicationSearchRequest {
						answer = message(id, goldap.ApplicationSearchResultDone, 0, "")
					} else if bytes.Contains(op.Bytes(), []byte("service")) {
						answer = message(id, goldap.ApplicationBindResponse, 0, "")
					}
					if _, err := conn.Write(answer); err != nil {
						return
					}
				})
			})
			cfg := ldap.Config{URLs: []string{"ldap://" + f.address}, BaseDN: "dc=example", Timeout: ldap.Duration(30 * time.Second)}
			want, held := login.ErrPassword, hanging
			if step == "bind" {
				cfg.BindTemplate = "uid={username},dc=example"
			} else {
				cfg.BindDN, cfg.BindPassword, cfg.SearchFilter = "cn=service,dc=example", "secret", "(uid={username})"
				want, held = login.ErrNoUser, 6 // of 8 connections for searches
			}
			d := open(t, cfg)
			flood, end := context.WithCancel(login.WithClient(t.Context(), "flood"))
			var all sync.WaitGroup
			for range 300 {
				all.Go(func() {
					for flood.Err() == nil {
						if _, err := d.Authenticate(flood, "flood", "x"); login.RefusalCode(err) != "" {
							t.Errorf("Authenticate = %v", err)
						}
					}
				})
			}
			for range held {
				<-hung
			}
			quiet, cancel := context.WithTimeout(login.WithClient(t.Context(), "quiet"), 20*time.Second)
			defer cancel()
			for range 20 {
				if _, err := d.Authenticate(quiet, "bob", "x"); !errors.Is(err, want) {
					t.Errorf("Authenticate = %v, want %v", err, want)
				}
			}
			end()
			all.Wait()
		})
	}
}
