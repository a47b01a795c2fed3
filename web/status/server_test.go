package status

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakePart answers as its fields say; nil fields mean ready, alive and no status.
type fakePart struct {
	name   string
	ready  func(context.Context) error
	alive  func(context.Context) error
	status func(context.Context) any
}

func (f *fakePart) Name() string { return f.name }

func (f *fakePart) Ready(ctx context.Context) error {
	if f.ready == nil {
		return nil
	}
	return f.ready(ctx)
}

func (f *fakePart) Alive(ctx context.Context) error {
	if f.alive == nil {
		return nil
	}
	return f.alive(ctx)
}

func (f *fakePart) Status(ctx context.Context) any {
	if f.status == nil {
		return nil
	}
	return f.status(ctx)
}

// startServer serves parts on a free loopback port.
func startServer(t *testing.T, cfg Config, parts ...Part) *Server {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	cfg.Logger = slog.New(slog.DiscardHandler)
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if err := s.Register(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

type answer struct {
	code   int
	body   string
	header http.Header
}

func get(t *testing.T, s *Server, path string, change ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body), resp.Header}
}

func wantAnswer(t *testing.T, got answer, code int, body string) {
	t.Helper()
	if got.code != code || got.body != body {
		t.Errorf("got %d %q\nwant %d %q", got.code, got.body, code, body)
	}
}

func TestReadyzNamesThePartThatIsNotReadyAndWhy(t *testing.T) {
	var up atomic.Bool
	s := startServer(t, Config{},
		&fakePart{name: "cluster"},
		&fakePart{name: "directory corp", ready: func(context.Context) error {
			if up.Load() {
				return nil
			}
			return errors.New("no server answers")
		}})

	wantAnswer(t, get(t, s, "/readyz"), http.StatusServiceUnavailable,
		"not ready\n[ ok ] cluster\n[fail] directory corp: no server answers\n")

	up.Store(true) // each question is asked anew
	wantAnswer(t, get(t, s, "/readyz"), http.StatusOK, "ready\n[ ok ] cluster\n[ ok ] directory corp\n")
}

func TestReadyzSpeaksJSONWhenAsked(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "cluster", ready: func(context.Context) error {
		return errors.New("no leader")
	}})
	for name, got := range map[string]answer{
		"accept": get(t, s, "/readyz", func(r *http.Request) { r.Header.Set("Accept", "application/json") }),
		"query":  get(t, s, "/readyz?format=json"),
	} {
		t.Run(name, func(t *testing.T) {
			var r Report
			if err := json.Unmarshal([]byte(got.body), &r); err != nil {
				t.Fatalf("%v in %q", err, got.body)
			}
			if got.code != http.StatusServiceUnavailable || r.Ready || r.Parts["cluster"].Reason != "no leader" {
				t.Errorf("got %d %+v", got.code, r)
			}
		})
	}
}

func TestAPartThatHangsIsNamedWithinTheBound(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	hang := func(context.Context) error { <-release; return nil } // obeys no context
	s := startServer(t, Config{AskWithin: 20 * time.Millisecond},
		&fakePart{name: "hung", ready: hang, alive: hang}, &fakePart{name: "fine"})

	wantAnswer(t, get(t, s, "/healthz"), http.StatusServiceUnavailable, "[fail] hung: does not answer\n")
	var last answer
	for range maxAsking + 1 {
		last = get(t, s, "/readyz")
	}
	wantAnswer(t, last, http.StatusServiceUnavailable,
		"not ready\n[ ok ] fine\n[fail] hung: does not answer, nor to earlier questions\n")
}

func TestAPartThatPanicsCostsItsAnswerOnly(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "broken",
		ready:  func(context.Context) error { panic("secret text") },
		status: func(context.Context) any { panic("secret text") }})
	got := get(t, s, "/status")
	if got.code != http.StatusOK || !strings.Contains(got.body, errPanicked.Error()) || strings.Contains(got.body, "secret") {
		t.Errorf("got %d %s", got.code, got.body)
	}
}

func TestHealthzStaysGoodWhileOnlyABackEndIsDown(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "directory corp", ready: func(context.Context) error {
		return errors.New("no server answers")
	}})
	wantAnswer(t, get(t, s, "/healthz"), http.StatusOK, "alive\n")
}

func TestStatusReportsPartsByName(t *testing.T) {
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	var passed atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(passed.Load())) }
	s := startServer(t, Config{Version: "1.2.3", Node: "node1", Now: now},
		&fakePart{name: "cluster", status: func(context.Context) any { return map[string]int{"term": 7} }})
	passed.Store(int64(90 * time.Second))

	got := get(t, s, "/status")
	var r Report
	if err := json.Unmarshal([]byte(got.body), &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != "1.2.3" || r.Node != "node1" || r.UptimeSeconds != 90 || !r.Ready {
		t.Errorf("got %+v", r)
	}
	if part := fmt.Sprint(r.Parts["cluster"].Status); part != "map[term:7]" {
		t.Errorf("cluster reports %s", part)
	}
}

func TestAStatusThatIsNoJSONIsSaidSo(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "odd", status: func(context.Context) any { return func() {} }})
	wantAnswer(t, get(t, s, "/status"), http.StatusInternalServerError,
		"a part's status cannot be written as JSON\n")
}

func TestNamesAreTakenOnce(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "cluster"})
	if err := s.Register(&fakePart{name: "cluster"}); err == nil {
		t.Error("a second part hid the first one")
	}
	if err := s.Replace([]string{"cluster"}, &fakePart{name: "a"}, &fakePart{name: "a"}); err == nil {
		t.Error("two parts of one name were taken")
	}
	wantAnswer(t, get(t, s, "/readyz"), http.StatusOK, "ready\n[ ok ] cluster\n")
	if err := s.Replace([]string{"cluster"}, &fakePart{name: "radius"}); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, get(t, s, "/readyz"), http.StatusOK, "ready\n[ ok ] radius\n")
}

// A node that lost a mail server still serves: /readyz does not ask, /status tells.
func TestAnAuxiliaryPartDegradesTheReportOnly(t *testing.T) {
	fails := func(context.Context) error { return errors.New("every server is down") }
	s := startServer(t, Config{}, &fakePart{name: "cluster"}, Auxiliary(&fakePart{name: "factors.email", ready: fails, alive: fails}))
	wantAnswer(t, get(t, s, "/readyz"), http.StatusOK, "ready\n[ ok ] cluster\n")
	wantAnswer(t, get(t, s, "/healthz"), http.StatusServiceUnavailable, "[fail] factors.email: every server is down\n")

	r := s.Report(t.Context())
	mail := r.Parts["factors.email"]
	if !r.Ready || !r.Degraded || mail.Ready || !mail.Auxiliary || mail.Reason != "every server is down" || r.Parts["cluster"].Auxiliary {
		t.Errorf("%+v", r)
	}
	if got := r.NotReady(); len(got) != 0 {
		t.Errorf("not ready: %v", got)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	s := startServer(t, Config{})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		got := get(t, s, "/status", func(r *http.Request) { r.Method = method })
		if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %d, Allow %q", method, got.code, got.header.Get("Allow"))
		}
	}
	if got := get(t, s, "/readyz", func(r *http.Request) { r.Method = http.MethodHead }); got.code != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: got %d %q", got.code, got.body)
	}
	if got := get(t, s, "/elsewhere"); got.code != http.StatusNotFound {
		t.Errorf("unknown path: got %d", got.code)
	}
}

func TestAnswersStayOutOfCachesAndPages(t *testing.T) {
	s := startServer(t, Config{})
	for _, path := range []string{"/healthz", "/readyz", "/status", "/metrics", "/elsewhere"} {
		h := get(t, s, path).header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

func TestAForeignNameIsRefusedOnLoopback(t *testing.T) {
	s := startServer(t, Config{})
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"127.0.0.1:" + port:                   http.StatusOK,
		"localhost:" + port:                   http.StatusOK,
		"LOCALHOST":                           http.StatusOK,
		"[::1]:" + port:                       http.StatusOK,
		"evil.example:" + port:                http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":              http.StatusMisdirectedRequest,
		"localhost.evil.example:" + port:      http.StatusMisdirectedRequest,
		"rebind-localhost.evil.example:65536": http.StatusMisdirectedRequest,
	} {
		if got := get(t, s, "/healthz", func(r *http.Request) { r.Host = host }); got.code != want {
			t.Errorf("Host %q: got %d, want %d", host, got.code, want)
		}
	}
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := startServer(t, Config{AskWithin: time.Minute}, &fakePart{name: "slow", ready: func(context.Context) error {
		close(asked)
		<-release
		return nil
	}})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	close(release)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "200") {
		t.Errorf("got %q, %v", line, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("still listening after Shutdown")
	}
}

func TestABusyPortSaysWhatToDo(t *testing.T) {
	taken := startServer(t, Config{})
	s, err := New(Config{Listen: taken.Addr().String(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "[status] listen") {
		t.Errorf("got %v", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown of a server that never listened: %v", err)
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	err := Config{Listen: "nowhere", AskWithin: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "listen:") || !strings.Contains(err.Error(), "ask_within:") {
		t.Errorf("got %v", err)
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

// warned is a part that serves and has something to say.
type warned struct{ fakePart }

func (warned) Warning() string { return "nobody reads it" }

// TestS11AWarningIsToldAndKeepsNobodyOut: the pages that load balancers and watchdogs ask stay 200.
func TestS11AWarningIsToldAndKeepsNobodyOut(t *testing.T) {
	s := startServer(t, Config{}, &fakePart{name: "a"}, &warned{fakePart{name: "log"}})
	for page, want := range map[string]string{
		"/readyz":             "ready\n[ ok ] a\n[warn] log: nobody reads it\n",
		"/healthz":            "alive\n[warn] log: nobody reads it\n",
		"/readyz?format=json": `"warning": "nobody reads it"`,
		"/status":             `"degraded": true`,
	} {
		if got := get(t, s, page); got.code != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d\n%s", page, got.code, got.body)
		}
	}
}
