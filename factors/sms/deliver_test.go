package sms

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/login"
)

func threeGateways() Config {
	c := account("twilio")
	c.URL = []string{"https://one.example.test/", "https://two.example.test/", "https://three.example.test/"}
	return c
}

func refuseConnection() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// send sends a code whose life is as long as given, in the bubble of a test.
func send(t *testing.T, f *Factor, life time.Duration) (string, time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), life)
	defer cancel()
	began := time.Now()
	server, err := f.Send(ctx, message("en"))
	return server, time.Since(began), err
}

func TestGatewaysThatCannotBeReachedArePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(status("201 Created")), connect: func(host string) error {
			if host == "three.example.test" {
				return nil
			}
			return refuseConnection()
		}}
		f := newFactor(t, threeGateways(), w)
		server, took, err := send(t, f, time.Minute)
		if err != nil || server != "three.example.test" || took != 0 {
			t.Fatal(server, took, err)
		}
		// For a while the two go last, so that the next message does not wait for them.
		if _, _, err := send(t, f, time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lastFor + time.Second)
		if _, _, err := send(t, f, time.Minute); err != nil {
			t.Fatal(err)
		}
		one, two, three := "one.example.test", "two.example.test", "three.example.test"
		if want := []string{one, two, three, three, one, two, three}; !slices.Equal(w.hosts, want) {
			t.Errorf("asked %v, want %v", w.hosts, want)
		}
		st := f.Stats().Servers
		if len(w.requests) != 3 || st[0].Unreachable != 2 || st[2].Taken != 3 {
			t.Errorf("%d requests, %+v", len(w.requests), st)
		}
	})
}

func TestWhatMayPassIsTriedAgainWithinTheCodesLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		w := &wire{answer: func(string) (string, error) {
			if tries++; tries < 4 {
				return status("429 Too Many Requests"), nil
			}
			return status("201 Created"), nil
		}}
		c := threeGateways()
		c.URL = c.URL[:1]
		_, took, err := send(t, newFactor(t, c, w), 5*time.Minute)
		if err != nil || tries != 4 || took < 5*time.Second || took > 9*time.Second {
			t.Errorf("%d tries in %v: %v", tries, took, err)
		}
	})
}

func TestTryingAgainEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{connect: func(string) error { return refuseConnection() }}
		f := newFactor(t, threeGateways(), w)
		_, took, err := send(t, f, time.Minute)
		failure := (*login.SendError)(nil)
		if !errors.As(err, &failure) || failure.Permanent || failure.Server == "" || took > time.Minute {
			t.Errorf("%v after %v", err, took)
		}
		if n := len(w.hosts); n < 9 || n > 24 || len(w.requests) != 0 {
			t.Errorf("%d tries, %d requests", n, len(w.requests))
		}
		if !strings.HasSuffix(err.Error(), "the connection failed: connection refused") {
			t.Error(err)
		}
	})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		w := &wire{answer: func(string) (string, error) {
			if tries++; tries == 1 {
				return "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n", nil
			}
			return status("201 Created"), nil
		}}
		c := threeGateways()
		c.URL = c.URL[:1]
		_, took, err := send(t, newFactor(t, c, w), 5*time.Minute)
		if err != nil || took != 40*time.Second {
			t.Errorf("%v, %v", took, err)
		}
	})
}

// Where the message may have been taken, no second one is sent, to whichever gateway.
func TestUnknownOutcomeIsNotTriedAgain(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	for name, answer := range map[string]func(string) (string, error){
		"silence":           always(silence),
		"server error":      always(status("500 Internal Server Error")),
		"connection broken": func(string) (string, error) { return "", reset },
		"no HTTP":           always("hello " + someCode),
		"half an answer":    always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"messages\":[{\"sta"),
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answer: answer}
			c := account("vonage-sms")
			c.URL = threeGateways().URL
			f := newFactor(t, c, w)
			_, took, err := send(t, f, 5*time.Minute)
			failure := (*login.SendError)(nil)
			if !errors.As(err, &failure) || failure.Permanent || len(w.requests) != 1 || took > defaultTimeout {
				t.Errorf("%s: %v after %v and %d requests", name, err, took, len(w.requests))
			}
			if err != nil && strings.Contains(err.Error(), someCode) || f.Stats().Servers[0].Unknown != 1 {
				t.Errorf("%s: %v, %+v", name, err, f.Stats())
			}
		})
	}
}

func TestRefusalIsPermanentAndSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(withBody("403 Forbidden", `{"code":20003}`))}
		_, took, err := send(t, newFactor(t, threeGateways(), w), time.Minute)
		failure := (*login.SendError)(nil)
		if !errors.As(err, &failure) || !failure.Permanent || took != 0 || len(w.requests) != 1 {
			t.Errorf("%v after %v and %d requests", err, took, len(w.requests))
		}
		if want := "one.example.test: the gateway answered with status 403: check username and password_file, reason 20003"; err.Error() != want {
			t.Errorf("%v", err)
		}
	})
}

func TestMessageThatTheGatewayQueuesIsNotSentTwice(t *testing.T) {
	w := &wire{answer: always(withBody("202 Accepted", "3: Queued for later delivery"))}
	f := newFactor(t, account("kannel"), w)
	if _, err := f.Send(t.Context(), message("ar")); err != nil || len(w.requests) != 1 {
		t.Fatal(err, len(w.requests))
	}
	if st := f.Stats().Servers[0]; st.Queued != 1 || st.Taken != 0 {
		t.Errorf("%+v", st)
	}
}

func TestNoticeIsDelivered(t *testing.T) {
	w := &wire{answer: always(status("201 Created"))}
	server, err := newFactor(t, account("twilio"), w).Tell(t.Context(),
		login.Notice{To: message("").To, Kind: login.NoticeReplaced, By: "an administrator"})
	if err != nil || server != "api.twilio.com" || !strings.Contains(w.requests[0], "Body=Sallyport%3A+an+administrator+replaced") {
		t.Error(server, err, w.requests)
	}
}

func TestOnlyE164IsSentTo(t *testing.T) {
	w := &wire{answer: always(status("201 Created"))}
	f := newFactor(t, account("twilio"), w)
	for _, to := range []string{"", "03001234567", "+92300\r\nX: y", "+0923001234567", "+92&Body=x", "+123456", "+1234567890123456"} {
		m := message("en")
		m.To.Text = to
		failure := (*login.SendError)(nil)
		if _, err := f.Send(t.Context(), m); !errors.As(err, &failure) || !failure.Permanent {
			t.Errorf("%q: %v", to, err)
		}
	}
	if len(w.requests) != 0 {
		t.Error(w.requests)
	}
}
