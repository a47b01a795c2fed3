package sms

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sallyport/login"
)

// siteAt returns a Kannel-like site whose gateway is at url, with its secrets marked.
func siteAt(url string) Config {
	return Config{
		Preset: "kannel", URL: []string{url}, Username: "user-canary", Password: "password-canary", Timeout: 2 * time.Second,
		Exchange: Exchange{Headers: map[string]string{"Authorization": "Basic {{.Basic}}"}},
	}
}

func realFactor(t *testing.T, c Config, log *bytes.Buffer) *Factor {
	t.Helper()
	f, err := New(c, Deps{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Gateways that misbehave get one request, and bring neither a secret nor the code into errors, logs,
// counts or the configuration as it is shown.
func TestBadGatewaysAreBoundedAndShowNoSecret(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		},
		"repeats the request":  func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.String(), http.StatusBadRequest) },
		"repeats as a success": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "0: ", r.URL) },
		"answers without end": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for i := 0; i < 100 && megabyte(w); i++ {
			}
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs within the answer": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"closes":      func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"is not HTTP": func(w http.ResponseWriter, r *http.Request) { hijack(w, r.URL.String()+"\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				handler(w, r)
			}))
			defer server.Close()
			var log bytes.Buffer
			f := realFactor(t, siteAt(server.URL+"/cgi-bin/sendsms"), &log)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			began := time.Now()
			_, err := f.Send(ctx, message("en"))
			if failure := (*login.SendError)(nil); !errors.As(err, &failure) || time.Since(began) > 10*time.Second || asked.Load() != 1 {
				t.Errorf("%v after %v and %d requests", err, time.Since(began), asked.Load())
			}
			shown := fmt.Sprintf("%v %+v %v %s %+v %+v", err, err, f.Stats(), log.String(), siteAt("x"), siteAt("x").Effective())
			for _, secret := range []string{"password-canary", someCode, "923001234567"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s: %s", secret, shown)
				}
			}
		})
	}
}

// megabyte writes a megabyte and reports whether anybody reads on.
func megabyte(w http.ResponseWriter) bool {
	_, err := w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
	return err == nil
}

func hijack(w http.ResponseWriter, say string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(conn, say)
	conn.Close()
}

// 100 MB of answer cost 64 KiB of memory, and the connection is closed on the rest.
func TestEndlessAnswerIsNotRead(t *testing.T) {
	written := make(chan int, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for n < 100 && megabyte(w) {
			n++
		}
		written <- n
	}))
	defer server.Close()
	var log bytes.Buffer
	if _, err := realFactor(t, siteAt(server.URL), &log).Send(t.Context(), message("en")); err == nil {
		t.Error("taken")
	}
	if n := <-written; n > 50 {
		t.Errorf("%d MB were taken in", n)
	}
}

func TestGatewaysCertificateIsVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "0: Accepted for delivery")
	}))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := realFactor(t, siteAt(server.URL), &log).Send(ctx, message("en"))
	if failure := (*login.SendError)(nil); !errors.As(err, &failure) || failure.Permanent || !strings.Contains(err.Error(), "certificate is not trusted") {
		t.Errorf("unknown authority: %v", err)
	}
	c := siteAt(server.URL)
	c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(c.CAFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	f := realFactor(t, c, &log)
	if _, err := f.Send(t.Context(), message("en")); err != nil {
		t.Errorf("known authority: %v", err)
	}
	if reach := f.Check(t.Context()); reach[0].Err != nil || reach[0].TLS != "TLS 1.3" {
		t.Errorf("%+v", reach)
	}
	for name, content := range map[string]string{"empty.pem": "", "text.pem": "hello"} {
		c.CAFile = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(c.CAFile, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(c, Deps{}); err == nil || !strings.HasPrefix(err.Error(), "ca_file: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckReachesWithoutSending(t *testing.T) {
	var asked atomic.Int32
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer up.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	c := siteAt(up.URL)
	c.URL = append(c.URL, "http://"+closed.Addr().String(), "https://"+strings.TrimPrefix(up.URL, "http://"))
	var log bytes.Buffer
	reach := realFactor(t, c, &log).Check(t.Context())
	want := []string{"", "connection refused", "TLS: the server does not speak it"}
	for i, r := range reach {
		if (r.Err == nil) != (want[i] == "") || r.Err != nil && !strings.Contains(r.Err.Error(), want[i]) || r.Server == "" {
			t.Errorf("%+v; want %q", r, want[i])
		}
	}
	if asked.Load() != 0 {
		t.Error("a request was made")
	}
}

func TestProxyIsTheConfiguredOneOnly(t *testing.T) {
	c := siteAt("http://gateway.invalid/")
	c.AllowHTTP = true
	if newTransport(c, nil).Proxy != nil {
		t.Error("a proxy of the environment would be used")
	}
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Host != "gateway.invalid" {
			t.Errorf("asked for %v", r.URL.Host)
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "0: Accepted for delivery")
	}))
	defer proxy.Close()
	var log bytes.Buffer
	c.Proxy = proxy.URL
	f := realFactor(t, c, &log)
	if server, err := f.Send(t.Context(), message("en")); err != nil || server != "gateway.invalid" || asked.Load() != 1 {
		t.Errorf("%s, %v", server, err)
	}
	if reach := f.Check(t.Context()); reach[0].Err != nil || reach[0].Through == "" || asked.Load() != 1 {
		t.Errorf("%+v", reach)
	}
}

func TestSecretIsNotInTheShownConfiguration(t *testing.T) {
	shown, err := json.Marshal(siteAt("https://gw.example.test/").Effective())
	if err != nil || strings.Contains(string(shown), "password-canary") || !strings.Contains(string(shown), "{{.Password}}") {
		t.Errorf("%s, %v", shown, err)
	}
}

// What goes wrong with a connection is told without the URL, and without what came instead of HTTP.
func TestTroubleIsToldWithoutTheURL(t *testing.T) {
	for want, err := range map[string]error{
		`the name "gw.test" cannot be looked up`:              &net.DNSError{Name: "gw.test", Err: "canary"},
		"the connection failed: connection refused":           &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"TLS: tls: protocol version not supported":            tls.AlertError(70),
		"TLS: the server does not speak it":                   tls.RecordHeaderError{Msg: "canary"},
		"the login ended before the gateway answered":         context.Canceled,
		"the gateway did not answer in time":                  context.DeadlineExceeded,
		"the gateway broke the connection or answered with":   errors.New("malformed HTTP response \"canary\""),
		"TLS: the certificate is not trusted: x509: certific": &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
	} {
		got := trouble(&url.Error{Op: "Get", URL: "https://gw.test/?password=canary", Err: err}).Error()
		if !strings.HasPrefix(got, want) || strings.Contains(got, "canary") {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// The fourth gateway is not given up with the three silent ones before it.
func TestCheckAsksTheGatewaysAtOnce(t *testing.T) {
	quiet, err := net.Listen("tcp", "127.0.0.1:0") // connections are made, and nobody speaks
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	up := httptest.NewServer(http.NotFoundHandler())
	defer up.Close()
	silent := "https://" + quiet.Addr().String()
	c := siteAt(silent)
	c.URL, c.Timeout = []string{silent, silent, silent, up.URL}, time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var log bytes.Buffer
	for i, r := range realFactor(t, c, &log).Check(ctx) {
		if good := i == 3; (r.Err == nil) != good {
			t.Errorf("%d: %+v", i, r)
		}
	}
}
