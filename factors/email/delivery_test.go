package email_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"sallyport/factors/email"
	"sallyport/login"
)

const relayA, relayB = "smtp+plain://127.0.0.1:2501", "smtp+plain://127.0.0.1:2502"

// two is a factor with two relays on this machine, which needs no certificates.
func two(t *testing.T, a, b func(net.Conn)) *email.Factor {
	n := network{}
	for address, answer := range map[string]func(net.Conn){"127.0.0.1:2501": a, "127.0.0.1:2502": b} {
		if answer != nil {
			n[address] = answer
		}
	}
	return newFactor(t, email.Config{Servers: []string{relayA, relayB}}, n)
}

func message(t testing.TB, f *email.Factor) login.Message {
	t.Helper()
	to, err := f.ParseAddress("alice@example.test")
	if err != nil {
		t.Fatal(err)
	}
	return login.Message{To: to, Code: "492817", User: "alice", Life: 5 * time.Minute, Trace: "f00d"}
}

// send delivers a code within the life of one.
func send(t testing.TB, f *email.Factor) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	return f.Send(ctx, message(t, f))
}

// wantFailure checks an error of Send: a [login.SendError] of a server, permanent or not, whose text
// holds the given words, and neither address nor code.
func wantFailure(t *testing.T, err error, server string, permanent bool, words string) {
	t.Helper()
	var failed *login.SendError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a SendError", err)
	}
	if failed.Server != server || failed.Permanent != permanent || !strings.Contains(err.Error(), words) {
		t.Errorf("got %q, server %q, permanent %v; want %q, %q, %v", err, failed.Server, failed.Permanent, words, server, permanent)
	}
	for _, secret := range []string{"492817", "alice"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q quotes %q", err, secret)
		}
	}
}

func refuse(code int, enhanced smtp.EnhancedCode) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "<alice@example.test>: no such person"}
}

func TestTemporaryRefusalIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{rcpt: func(n int) error {
			if n < 4 {
				return refuse(451, smtp.EnhancedCode{4, 7, 1})
			}
			return nil
		}}
		f := newFactor(t, email.Config{Servers: []string{relayA}}, network{"127.0.0.1:2501": m.serve(t, nil, false)})
		start := time.Now()
		server, err := send(t, f)
		if err != nil || server != relayA || len(m.received()) != 1 {
			t.Fatalf("%q, %v, %d messages", server, err, len(m.received()))
		}
		// Pauses of 1, 2 and 4 s, each up to a quarter shorter.
		if took := time.Since(start); took < 5250*time.Millisecond || took > 7*time.Second {
			t.Errorf("four attempts took %v", took)
		}
		if s := f.Stats().Servers[0]; s.Sent != 1 || s.Temporary != 3 || s.Permanent != 0 || !s.Up {
			t.Errorf("%+v", s)
		}
	})
}

func TestTemporaryRefusalGoesToTheNextServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &mailServer{rcpt: func(int) error { return refuse(451, smtp.EnhancedCode{4, 7, 1}) }}
		b := &mailServer{}
		f := two(t, a.serve(t, nil, false), b.serve(t, nil, false))
		start := time.Now()
		server, err := send(t, f)
		if err != nil || server != relayB || time.Since(start) != 0 {
			t.Errorf("%q, %v after %v", server, err, time.Since(start))
		}
	})
}

func TestPermanentRefusalIsSaidAtOnce(t *testing.T) {
	for name, a := range map[string]*mailServer{
		"RCPT": {rcpt: func(int) error { return refuse(550, smtp.EnhancedCode{5, 1, 1}) }},
		"DATA": {data: func(int) error { return refuse(554, smtp.EnhancedCode{5, 7, 1}) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &mailServer{}
				f := two(t, a.serve(t, nil, false), b.serve(t, nil, false))
				start := time.Now()
				_, err := send(t, f)
				wantFailure(t, err, relayA, true, name+": the server answered 55")
				if b.connections() != 0 || time.Since(start) != 0 {
					t.Errorf("%d connections to the second server, %v", b.connections(), time.Since(start))
				}
				if s := f.Stats().Servers[0]; !s.Up || s.Permanent != 1 {
					t.Errorf("a server that judges is taken for down: %+v", s)
				}
			})
		})
	}
}

func TestHangingServerIsPassedByAndRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &mailServer{}
		f := two(t, silent, b.serve(t, nil, false))
		for i, want := range []time.Duration{10 * time.Second, 0, 0} {
			start := time.Now()
			server, err := send(t, f)
			if took := time.Since(start); err != nil || server != relayB || took != want {
				t.Errorf("message %d: %q, %v after %v, want %v", i, server, err, took, want)
			}
		}
		<-time.After(30 * time.Second) // the bubble's clock
		start := time.Now()
		if server, err := send(t, f); err != nil || server != relayB || time.Since(start) != 10*time.Second {
			t.Errorf("after its rest the server was not asked again: %q, %v after %v", server, err, time.Since(start))
		}
	})
}

func TestServerThatIsBackIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &mailServer{}, &mailServer{}
		n := network{"127.0.0.1:2502": b.serve(t, nil, false)}
		f := newFactor(t, email.Config{Servers: []string{relayA, relayB}}, n)
		if server, err := send(t, f); err != nil || server != relayB {
			t.Fatalf("%q, %v", server, err)
		}
		n["127.0.0.1:2501"] = a.serve(t, nil, false)
		<-time.After(31 * time.Second)
		if server, err := send(t, f); err != nil || server != relayA || !f.Stats().Servers[0].Up {
			t.Errorf("%q, %v, %+v", server, err, f.Stats())
		}
	})
}

func TestNothingListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := two(t, nil, nil)
		start := time.Now()
		_, err := send(t, f)
		wantFailure(t, err, relayB, false, "connection refused")
		if took := time.Since(start); took > 5*time.Minute || took < 4*time.Minute+30*time.Second { // a pause is no longer
			t.Errorf("gave up after %v", took)
		}
		err = f.Ready(t.Context())
		if err == nil || !strings.Contains(err.Error(), relayA) || !strings.Contains(err.Error(), relayB) {
			t.Errorf("Ready() = %v", err)
		}
		<-time.After(31 * time.Second)
		if err := f.Ready(t.Context()); err != nil {
			t.Errorf("long after the last message: Ready() = %v", err)
		}
	})
}

// What a server said goes before the end of our patience.
func TestLastRefusalIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{greeting: "220 hello", answers: map[string]string{"RCPT": "451 4.2.0 <alice@example.test>: no such person yet"}}
		first := true
		f := newFactor(t, email.Config{Servers: []string{relayA}}, network{"127.0.0.1:2501": func(c net.Conn) {
			if first {
				first = false
				s.answer(c)
				return
			}
			silent(c)
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		_, err := f.Send(ctx, message(t, f))
		wantFailure(t, err, relayA, false, "RCPT: the server answered 451 4.2.0")
	})
}

func TestMisbehavingServers(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, c := range map[string]struct {
		answer func(net.Conn)
		words  string
	}{
		"busy":           {(&script{greeting: "421 4.3.2 too busy"}).answer, "greeting: the server answered 421 4.3.2"},
		"closes at once": {func(c net.Conn) { c.Close() }, "greeting: the server closed the connection"},
		"closes at MAIL": {(&script{greeting: "220 hello", answers: map[string]string{"MAIL": ""}}).answer, "MAIL: the server closed the connection"},
		"temporary MAIL": {(&script{greeting: "220 hello", answers: map[string]string{"MAIL": "452 4.3.1 disk full"}}).answer, "MAIL: the server answered 452 4.3.1"},
		"refuses MAIL":   {(&script{greeting: "220 hello", answers: map[string]string{"MAIL": "530 5.7.0 log in first"}}).answer, "MAIL: the server answered 530 5.7.0"},
		"no SMTP":        {(&script{greeting: "HTTP/1.1 400 alice"}).answer, "greeting: the answer is not SMTP"},
		"no enhanced":    {(&script{greeting: "220 hello", answers: map[string]string{"MAIL": "451 alice is busy"}}).answer, "MAIL: the server answered 451"},
		"endless line":   {(&script{greeting: "220 " + long}).answer, "greeting: the answer is not SMTP"},
		"endless answer": {func(c net.Conn) {
			defer c.Close()
			for {
				if _, err := io.WriteString(c, "220-hello\r\n"); err != nil {
					return
				}
			}
		}, "greeting: the server sends more than 256 KiB"},
		"octet by octet": {func(c net.Conn) {
			defer c.Close()
			for {
				if _, err := io.WriteString(c, "2"); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		}, "greeting: no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &mailServer{}
				f := two(t, c.answer, b.serve(t, nil, false))
				if server, err := send(t, f); err != nil || server != relayB {
					t.Errorf("no fail-over: %q, %v", server, err)
				}
				st, ok := f.Status(t.Context()).(email.Status)
				if !ok || st.Servers[0].Up || !strings.Contains(st.Servers[0].LastError, c.words) || strings.Contains(st.Servers[0].LastError, "alice") {
					t.Errorf("%+v, want %q", st.Servers[0], c.words)
				}
				<-time.After(2 * time.Second) // the slowest server finds the connection closed
			})
		})
	}
}

// The server took the message and its answer was lost: it comes a second time, recognisably.
func TestLostAnswerSendsACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{greeting: "220 hello", answers: map[string]string{".": ""}}
		b := &mailServer{}
		f := two(t, s.answer, b.serve(t, nil, false))
		if server, err := send(t, f); err != nil || server != relayB {
			t.Fatalf("%q, %v", server, err)
		}
		id := header(t, b.received()[0].raw).Get("Message-Id")
		if id == "" || !strings.Contains(s.said(), "Message-Id: "+id) {
			t.Errorf("the copy has another Message-ID, %q", id)
		}
		if s := f.Stats().Servers[0]; !s.Up {
			t.Errorf("a server that took a message is taken for down: %+v", s)
		}
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mailServer{}
		serve := m.serve(t, nil, false)
		f := newFactor(t, email.Config{Servers: []string{relayA}}, network{"127.0.0.1:2501": func(c net.Conn) {
			<-time.After(100 * time.Millisecond)
			serve(c)
		}})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := send(t, f); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.mostOpen > 16 || len(m.mails) != 100 {
			t.Errorf("%d connections at a time, %d messages", m.mostOpen, len(m.mails))
		}
	})
}

// A daemon that shuts down says nothing about its servers.
func TestCancelledMessageTellsNothingAboutTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := two(t, silent, silent)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := f.Send(ctx, message(t, f))
		wantFailure(t, err, relayA, false, "no answer in time")
		if !errors.Is(err, context.Canceled) || time.Since(start) != 3*time.Second || !f.Stats().Servers[0].Up {
			t.Errorf("%v after %v, %+v", err, time.Since(start), f.Stats())
		}
	})
}
