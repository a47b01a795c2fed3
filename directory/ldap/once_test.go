package ldap_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/login"
)

const template = "uid={username},ou=people," + directorytest.BaseDN

// bindOnly is config without a service account: the bind is the first question.
func bindOnly(urls ...string) ldap.Config {
	cfg := config(urls...)
	cfg.BindTemplate, cfg.BindDN, cfg.BindPassword = template, "", ""
	return cfg
}

func TestAWrongPasswordIsTriedOnceWhenTheServerIsSlow(t *testing.T) {
	slow, other := directorytest.StartServer(t, nil, nil), directorytest.StartServer(t, nil, nil)
	d := open(t, config("ldap://"+slow.Address, "ldap://"+other.Address))
	loginBy(t, d, 4*time.Second)
	slow.OnBind = func(string, string) (directorytest.Answer, bool) {
		<-time.After(1200 * time.Millisecond) // longer than a search is waited for, shorter than half of the time
		return directorytest.Answer{}, false
	}
	before := slow.Binds()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if _, err := d.Authenticate(ctx, "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
		t.Errorf("Authenticate = %v, want ErrPassword", err)
	}
	if here, there := slow.Binds()-before, other.Binds(); here != 1 || there != 0 {
		t.Errorf("the password was tried %d times here and %d times there", here, there)
	}
}

// hangsUpLater refuses the first bind of a connection and hangs up at the second.
func hangsUpLater(f *fake, conn net.Conn) {
	binds := 0
	requests(f, conn, func(id int64, op *ber.Packet) {
		if binds++; binds > 1 {
			conn.Close()
			return
		}
		conn.Write(message(id, goldap.ApplicationBindResponse, goldap.LDAPResultInvalidCredentials, ""))
	})
}

func TestABindIsNotRepeatedOverAConnectionThatBroke(t *testing.T) {
	f := startFake(t, hangsUpLater)
	d := open(t, bindOnly("ldap://"+f.address))
	if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
		t.Fatalf("Authenticate = %v, want ErrPassword", err)
	}
	if _, err := d.Authenticate(t.Context(), "alice", "wrong"); err == nil || login.RefusalCode(err) != "" {
		t.Errorf("Authenticate = %v, want an error that is no refusal", err)
	}
	if n := f.requests.Load(); n != 2 {
		t.Errorf("%d binds for two passwords", n)
	}
}

func TestAServerThatBreaksOffABindIsNotAskedTwice(t *testing.T) {
	f, good := startFake(t, hangsUpLater), directorytest.StartServer(t, nil, nil)
	d := open(t, bindOnly("ldap://"+f.address, "ldap://"+good.Address))
	for range 2 {
		if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
			t.Fatalf("Authenticate = %v, want ErrPassword", err)
		}
	}
	if here, there := f.requests.Load(), good.Binds(); here != 2 || there != 1 {
		t.Errorf("%d binds here and %d there", here, there)
	}
}

func TestServersThatHangLeaveTimeForABindAtTheLast(t *testing.T) {
	good := directorytest.StartServer(t, nil, nil)
	first, second := startFake(t, silent), startFake(t, silent)
	d := open(t, bindOnly("ldap://"+first.address, "ldap://"+second.address, "ldap://"+good.Address))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { loginBy(t, d, 3*time.Second) })
	}
	all.Wait()
	if stats := d.Stats(); stats.Servers[0].Up || stats.Servers[1].Up || !stats.Servers[2].Up {
		t.Errorf("stats = %+v", stats)
	}
}
