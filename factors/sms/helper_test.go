package sms

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/login"
)

// wire stands for the network: it records what a request would put on it, and answers.
type wire struct {
	// connect fails where a host cannot be reached; nil reaches all.
	connect func(host string) error
	// answer is asked once a request was written. It returns an answer as it looks on the wire.
	answer func(host string) (string, error)

	mu       sync.Mutex
	requests []string
	hosts    []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.hosts = append(w.hosts, r.URL.Host)
	w.mu.Unlock()
	if w.connect != nil {
		if err := w.connect(r.URL.Host); err != nil {
			return nil, err
		}
	}
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.requests = append(w.requests, b.String())
	w.mu.Unlock()
	text, err := w.answer(r.URL.Host)
	if err != nil {
		return nil, err
	}
	if text == silence {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return http.ReadResponse(bufio.NewReader(strings.NewReader(text)), r)
}

// silence is the answer of a gateway that takes a request and says nothing.
const silence = "silence"

func always(answer string) func(string) (string, error) {
	return func(string) (string, error) { return answer, nil }
}

func status(line string) string {
	return "HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n"
}

func withBody(line, body string) string {
	return "HTTP/1.1 " + line + "\r\n\r\n" + body
}

// newFactor builds a factor over a wire.
func newFactor(t testing.TB, c Config, w http.RoundTripper) *Factor {
	t.Helper()
	return newFactorWithLog(t, c, w, io.Discard)
}

func newFactorWithLog(t testing.TB, c Config, w http.RoundTripper, log io.Writer) *Factor {
	t.Helper()
	f, err := New(c, Deps{Logger: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Transport: w})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const someCode = "135792"

func message(language string) login.Message {
	return login.Message{
		To:   login.Address{Text: "+923001234567", Country: "PK"},
		Code: someCode, Language: language, Life: 5 * time.Minute, Trace: "trace-7",
	}
}
