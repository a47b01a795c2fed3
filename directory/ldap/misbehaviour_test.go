package ldap_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
	"sallyport/e2e/servers"
	"sallyport/login"
)

// aWhile is far less than the ten seconds that the question may take, and far more than a busy machine
// needs.
const aWhile = 6 * time.Second

// couldNotAsk checks that a login over cfg gives no verdict, in time.
func couldNotAsk(t *testing.T, cfg ldap.Config, limit time.Duration) error {
	t.Helper()
	d := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	start := time.Now()
	user, err := d.Authenticate(ctx, "alice", "wonderland-1")
	if err == nil || login.RefusalCode(err) != "" || user.ID != "" {
		t.Errorf("Authenticate = %+v, %v; want an error that is no refusal", user, err)
	}
	if took := time.Since(start); took > limit {
		t.Errorf("it took %v, want at most %v", took, limit)
	}
	return err
}

func TestAServerThatNeverAnswersIsGivenUp(t *testing.T) {
	cfg := config("ldap://" + startFake(t, silent).address)
	cfg.Timeout = ldap.Duration(200 * time.Millisecond)
	couldNotAsk(t, cfg, aWhile)
}

func TestAServerThatHangsUpIsGivenUpAtOnce(t *testing.T) {
	couldNotAsk(t, config("ldap://"+startFake(t, hangUp).address), aWhile)
}

func TestAnAnswerInDribletsIsGivenUp(t *testing.T) {
	f := startFake(t, func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, _ *ber.Packet) {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for _, octet := range message(id, goldap.ApplicationBindResponse, 0, strings.Repeat("x", 1000)) {
				<-tick.C
				if _, err := conn.Write([]byte{octet}); err != nil {
					return
				}
			}
		})
	})
	cfg := config("ldap://" + f.address)
	cfg.Timeout = ldap.Duration(300 * time.Millisecond)
	couldNotAsk(t, cfg, aWhile)
}

func TestGarbageIsGivenUp(t *testing.T) {
	for name, garbage := range map[string]string{
		"text":            "HTTP/1.1 400 Bad Request\r\n\r\n",
		"zeros":           strings.Repeat("\x00", 512),
		"a huge length":   "\x30\x84\x7f\xff\xff\xff\x02\x01\x01",
		"no length":       "\x30\x80\x02\x01\x01\x61\x80",
		"an empty answer": "\x30\x05\x02\x01\x01\x61\x00",
		"deep nesting":    strings.Repeat("\x30\x80", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			f := startFake(t, func(f *fake, conn net.Conn) {
				requests(f, conn, func(int64, *ber.Packet) { conn.Write([]byte(garbage)) })
			})
			cfg := config("ldap://" + f.address)
			cfg.Timeout = ldap.Duration(300 * time.Millisecond)
			couldNotAsk(t, cfg, aWhile)
		})
	}
}

func TestAnAnswerOf100MBIsCut(t *testing.T) {
	const chunk, chunks = 64 << 10, 1600
	for name, chunkOf := range map[string]func(id int64) []byte{
		"in one message": func(int64) []byte {
			return append([]byte("\x30\x84\x06\x40\x00\x00\x04\x84\x06\x3f\xff\xfa"), make([]byte, chunk)...)
		},
		"in many messages": func(id int64) []byte { return searchReference(id, strings.Repeat("x", chunk)) },
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int64
			f := startFake(t, func(f *fake, conn net.Conn) {
				requests(f, conn, func(id int64, op *ber.Packet) {
					if op.Tag == goldap.ApplicationBindRequest {
						conn.Write(message(id, goldap.ApplicationBindResponse, 0, ""))
						return
					}
					more := chunkOf(id)
					for range chunks {
						n, err := conn.Write(more)
						sent.Add(int64(n))
						if err != nil {
							return
						}
					}
				})
			})
			err := couldNotAsk(t, config("ldap://"+f.address), aWhile)
			if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
				t.Errorf("error = %v", err)
			}
			// What the kernel buffers on both sides of loopback is all that may go beyond the bound.
			if total := sent.Load(); total > 24<<20 {
				t.Errorf("%d octets were taken", total)
			}
		})
	}
}

func TestNothingIsSentWhenStartTLSIsStripped(t *testing.T) {
	ca, _ := authority(t)
	server := directorytest.StartServer(t, nil, nil)
	cfg := config("ldap://" + server.Address)
	cfg.StartTLS, cfg.CAFile = true, ca.File
	couldNotAsk(t, cfg, aWhile)
	if server.Binds() != 0 || server.Searches() != 0 {
		t.Errorf("%d binds and %d searches in the clear", server.Binds(), server.Searches())
	}
}

func TestNothingIsTakenFromBeforeTheEncryption(t *testing.T) {
	ca, _ := authority(t)
	f := startFake(t, func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, op *ber.Packet) {
			injected := message(id+1, goldap.ApplicationBindResponse, 0, "")
			conn.Write(append(message(id, goldap.ApplicationExtendedResponse, 0, ""), injected...))
		})
	})
	cfg := config("ldap://" + f.address)
	cfg.StartTLS, cfg.CAFile = true, ca.File
	err := couldNotAsk(t, cfg, aWhile)
	if err == nil || !strings.Contains(err.Error(), "says more than its answer") {
		t.Errorf("error = %v", err)
	}
}

func TestAServerThatTakesItsLeaveIsAskedOverANewConnection(t *testing.T) {
	said := make(chan bool, 1)
	f := startFake(t, func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, op *ber.Packet) {
			// A refusal ends the login, so that nothing else is asked.
			conn.Write(message(id, goldap.ApplicationBindResponse, goldap.LDAPResultInvalidCredentials, ""))
			conn.Write(message(0, goldap.ApplicationExtendedResponse, goldap.LDAPResultUnavailable, "going down"))
			said <- true
		})
	})
	d := open(t, bindOnly("ldap://"+f.address))
	for range 3 {
		if _, err := d.Authenticate(t.Context(), "alice", "wrong"); !errors.Is(err, login.ErrPassword) {
			t.Fatalf("Authenticate = %v, want ErrPassword", err)
		}
		<-said
	}
	if n := f.connections.Load(); n != 3 {
		t.Errorf("%d connections for three binds that were each followed by a notice of disconnection", n)
	}
}

func TestNothingIsSentUnderAWrongCertificate(t *testing.T) {
	good, secure := authority(t)
	stranger, _ := authority(t)
	otherName, err := good.ServerTLS("dc1.example.test")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ca     *servers.CA
		server *directorytest.Server
	}{
		"another authority": {stranger, directorytest.StartServer(t, secure, secure)},
		"another name":      {good, directorytest.StartServer(t, otherName, otherName)},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config("ldaps://" + c.server.Address)
			cfg.CAFile = c.ca.File
			couldNotAsk(t, cfg, aWhile)
			if c.server.Binds() != 0 {
				t.Errorf("%d binds", c.server.Binds())
			}
		})
	}
	cfg := config("ldaps://" + directorytest.StartServer(t, otherName, nil).Address)
	cfg.CAFile, cfg.ServerName = good.File, "dc1.example.test"
	if _, err := open(t, cfg).Authenticate(t.Context(), "alice", "wonderland-1"); err != nil {
		t.Errorf("with server_name: %v", err)
	}
}

func TestReferralsAreNotFollowed(t *testing.T) {
	honeypot := startFake(t, silent)
	uri := "ldap://" + honeypot.address + "/" + directorytest.BaseDN
	referral := ber.Encode(ber.ClassContext, ber.TypeConstructed, 3, nil, "referral")
	referral.AppendChild(octets(uri))
	for name, where := range map[string]ber.Tag{"at the bind": goldap.ApplicationBindRequest, "at the search": goldap.ApplicationSearchRequest} {
		t.Run(name, func(t *testing.T) {
			f := startFake(t, func(f *fake, conn net.Conn) {
				requests(f, conn, func(id int64, op *ber.Packet) {
					code := 0
					if op.Tag == where {
						code = goldap.LDAPResultReferral
					}
					if op.Tag == goldap.ApplicationSearchRequest {
						conn.Write(searchReference(id, uri))
					}
					conn.Write(message(id, op.Tag+1+op.Tag/3, code, "", referral))
				})
			})
			couldNotAsk(t, config("ldap://"+f.address), aWhile)
		})
	}
	if n := honeypot.connections.Load(); n != 0 {
		t.Errorf("%d connections to where the referrals lead", n)
	}
}

func TestReferencesInAForestAreIgnored(t *testing.T) {
	honeypot := startFake(t, silent)
	f := startFake(t, func(f *fake, conn net.Conn) {
		requests(f, conn, func(id int64, op *ber.Packet) {
			if op.Tag == goldap.ApplicationSearchRequest {
				conn.Write(searchReference(id, "ldap://"+honeypot.address+"/CN=Configuration"))
				conn.Write(message(id, goldap.ApplicationSearchResultDone, 0, ""))
				return
			}
			conn.Write(message(id, goldap.ApplicationBindResponse, 0, ""))
		})
	})
	_, err := open(t, config("ldap://"+f.address)).Find(t.Context(), "alice")
	if login.RefusalCode(err) != login.CodePasswordInvalid || honeypot.connections.Load() != 0 {
		t.Errorf("Find = %v, %d connections", err, honeypot.connections.Load())
	}
}
