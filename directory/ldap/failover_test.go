package ldap_test

import (
	"context"
	"io"
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

// loginBy logs alice in within limit.
func loginBy(t *testing.T, d *ldap.Directory, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if _, err := d.Authenticate(ctx, "alice", "wonderland-1"); err != nil {
		t.Errorf("Authenticate = %v", err)
	}
}

func TestTheNextServerIsAskedWhenOneFails(t *testing.T) {
	good := directorytest.StartServer(t, nil, nil)
	busy := func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, op *ber.Packet) {
			conn.Write(message(id, goldap.ApplicationBindResponse, goldap.LDAPResultUnavailable, "shutting down"))
		})
	}
	wrongAccount := func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, op *ber.Packet) {
			conn.Write(message(id, goldap.ApplicationBindResponse, goldap.LDAPResultInvalidCredentials, ""))
		})
	}
	for name, serve := range map[string]func(*fake, net.Conn){
		"hangs up": hangUp, "never answers": silent, "is unavailable": busy, "refuses the service account": wrongAccount,
	} {
		t.Run(name, func(t *testing.T) {
			bad := startFake(t, serve)
			d := open(t, config("ldap://"+bad.address, "ldap://"+good.Address))
			loginBy(t, d, 4*time.Second)
			stats := d.Stats()
			if stats.Servers[0].Up || !stats.Servers[1].Up || stats.Failovers == 0 {
				t.Errorf("stats = %+v", stats)
			}
			// Marked down, it delays nobody any more.
			start := time.Now()
			loginBy(t, d, 4*time.Second)
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("the second login took %v", took)
			}
		})
	}
}

func TestAHangingServerLeavesTimeForTheOthers(t *testing.T) {
	good := directorytest.StartServer(t, nil, nil)
	d := open(t, config("ldap://"+startFake(t, silent).address, "ldap://"+startFake(t, silent).address, "ldap://"+good.Address))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { loginBy(t, d, 2*time.Second) })
	}
	all.Wait()
}

func TestARefusalIsNotAskedAgainElsewhere(t *testing.T) {
	first, second := directorytest.StartServer(t, nil, nil), directorytest.StartServer(t, nil, nil)
	d := open(t, config("ldap://"+first.Address, "ldap://"+second.Address))
	for range 3 {
		if _, err := d.Authenticate(t.Context(), "alice", "wrong"); login.RefusalCode(err) != login.CodePasswordInvalid {
			t.Errorf("Authenticate = %v", err)
		}
	}
	if second.Binds() != 0 {
		t.Errorf("the second server was asked %d times", second.Binds())
	}
}

func TestAServerThatComesBackIsUsedAgain(t *testing.T) {
	first, second := directorytest.StartServer(t, nil, nil), directorytest.StartServer(t, nil, nil)
	down := make(chan struct{})
	front := startFake(t, func(_ *fake, conn net.Conn) {
		select {
		case <-down:
			pipe(conn, first.Address)
		default:
		}
	})
	d := open(t, config("ldap://"+front.address, "ldap://"+second.Address))
	loginBy(t, d, 2*time.Second)
	if d.Stats().Servers[0].Up {
		t.Fatal("the first server hangs up, but is taken for up")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ran := make(chan error, 1)
	running, stop := context.WithCancel(ctx)
	go func() { ran <- d.Run(running) }()
	close(down)
	for tick := time.NewTicker(20 * time.Millisecond); !d.Stats().Servers[0].Up; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server did not come back")
		}
	}
	stop()
	if err := <-ran; err != nil {
		t.Errorf("Run = %v", err)
	}
	before := first.Binds()
	loginBy(t, d, 2*time.Second)
	if first.Binds() == before {
		t.Error("the server that came back was not asked")
	}
}

// pipe connects conn with the server at address until one of them ends.
func pipe(conn net.Conn, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		io.Copy(server, conn)
	}()
	io.Copy(conn, server)
}

func TestAConnectionThatTheServerClosedIsReplaced(t *testing.T) {
	server := directorytest.StartServer(t, nil, nil)
	var mu sync.Mutex
	var fronts []net.Conn
	front := startFake(t, func(_ *fake, conn net.Conn) {
		mu.Lock()
		fronts = append(fronts, conn)
		mu.Unlock()
		pipe(conn, server.Address)
	})
	d := open(t, config("ldap://"+front.address))
	for range 5 {
		loginBy(t, d, 2*time.Second)
		mu.Lock()
		for _, conn := range fronts {
			conn.Close()
		}
		mu.Unlock()
		noneIsOpen(t, d)
	}
	if stats := d.Stats(); stats.Servers[0].Failed != 0 {
		t.Errorf("stats = %+v", stats)
	}
}

// noneIsOpen waits until the directory has noticed that its connections were closed.
func noneIsOpen(t *testing.T, d *ldap.Directory) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; {
		s := d.Status(t.Context()).(ldap.Status).Servers[0]
		if s.UserConnections.Idle == 0 && s.ServiceConnections.Idle == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("connections that the server closed count as open: %+v", s)
		}
	}
}

func TestASlowDirectoryTurnsTheRestAway(t *testing.T) {
	f := startFake(t, silent)
	cfg := config("ldap://" + f.address)
	cfg.Timeout = ldap.Duration(time.Second)
	d := open(t, cfg)
	var all sync.WaitGroup
	start := time.Now()
	quick := make(chan time.Duration, 200)
	for range 200 {
		all.Go(func() {
			if _, err := d.Authenticate(t.Context(), "alice", "wonderland-1"); err == nil || login.RefusalCode(err) != "" {
				t.Errorf("Authenticate = %v", err)
			}
			quick <- time.Since(start)
		})
	}
	all.Wait()
	close(quick)
	turnedAway := 0
	for took := range quick {
		if took < 800*time.Millisecond {
			turnedAway++
		}
	}
	if turnedAway < 200-128 {
		t.Errorf("%d of 200 were turned away at once, want at least 72", turnedAway)
	}
	if n := f.connections.Load(); n > 128 {
		t.Errorf("%d connections", n)
	}
}

func TestReadyNamesWhatDoesNotAnswer(t *testing.T) {
	good := directorytest.StartServer(t, nil, nil)
	bad := startFake(t, hangUp)
	if err := open(t, config("ldap://"+bad.address, "ldap://"+good.Address)).Ready(t.Context()); err != nil {
		t.Errorf("one of two answers: %v", err)
	}
	if err := open(t, config("ldap://"+bad.address)).Ready(t.Context()); err == nil {
		t.Error("no server answers, but the directory says that it is ready")
	}
	status, ok := open(t, config("ldap://"+good.Address)).Status(t.Context()).(ldap.Status)
	if !ok || status.Name != "corp" || len(status.Servers) != 1 || status.Servers[0].URL != "ldap://"+good.Address {
		t.Errorf("status = %+v", status)
	}
}
