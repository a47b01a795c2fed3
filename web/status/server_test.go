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
	"net/http/httptest"
	"net/netip"
	"os"
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

func TestS15HostsOfTheStatusPort(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	offLoopback := netip.MustParseAddr("10.20.30.40")
	v6 := netip.MustParseAddr("fd00:1::40")
	for _, test := range []struct {
		local netip.Addr
		hosts []string
		host  string
		known bool
	}{
		{host: "127.0.0.1", known: true}, {host: "127.0.0.1:9812", known: true}, {host: "localhost:9812", known: true}, {host: "LOCALHOST", known: true},
		{host: "localhost.", known: true}, {host: "localhost.:9812", known: true}, {host: "[::1]:9812", known: true}, {host: "[::1]", known: true},
		{host: "[0:0:0:0:0:0:0:1]", known: true}, {host: "[::ffff:127.0.0.1]:9812", known: true}, {host: "sallyport.localhost", known: true}, {host: "localhost:", known: true},
		{host: machine, known: true}, {host: strings.ToUpper(machine) + ".:9812", known: true},
		{host: "evil.example"}, {host: "evil.example:9812"}, {host: "127.0.0.1.evil.example"}, {host: "localhost.evil.example:9812"},
		{host: "notlocalhost"}, {host: "localhost.."}, {host: "evil.example:65536"}, {host: "localhost:65536"}, {host: "localhost:x"}, {host: "[::1"}, {host: "[::1]x"},
		{host: "[localhost]"}, {host: "127.1"}, {host: "2130706433"}, {host: "0x7f.0.0.1"}, {host: "0.0.0.0"}, {host: "[::]"}, {host: "10.20.30.40"}, {host: "203.0.113.9:9812"},
		{host: "localhost@evil.example"}, {host: "localhost,evil.example"}, {host: "*"}, {host: ""}, {host: ":9812"}, {host: "."}, {host: "node1.corp.internal"},
		{local: offLoopback, host: "10.20.30.40:9812", known: true}, {local: offLoopback, host: "10.20.30.40", known: true}, {local: offLoopback, host: "[::ffff:10.20.30.40]", known: true},
		{local: offLoopback, host: "localhost:9812", known: true}, {local: offLoopback, host: machine, known: true},
		{local: offLoopback, host: "evil.example"}, {local: offLoopback, host: "evil.example:9812"}, {local: offLoopback, host: "10.20.30.41"}, {local: offLoopback, host: ""},
		{local: offLoopback, host: "EVIL.example."}, {local: offLoopback, host: "10.20.30.40.evil.example"},
		{local: v6, host: "[fd00:1::40]:9812", known: true}, {local: v6, host: "[FD00:0001:0::40]", known: true}, {local: v6, host: "[fd00:1::41]"}, {local: v6, host: "evil.example"},
		{local: netip.MustParseAddr("fe80::1%eth0"), host: "[fe80::1]", known: true}, {local: netip.MustParseAddr("::ffff:10.20.30.40"), host: "10.20.30.40", known: true},
		{local: offLoopback, hosts: []string{"Node1.Corp.Internal."}, host: "node1.corp.internal:9812", known: true},
		{local: offLoopback, hosts: []string{"node1.corp.internal"}, host: "NODE1.CORP.INTERNAL.", known: true},
		{local: offLoopback, hosts: []string{"node1.corp.internal"}, host: "node2.corp.internal"}, {local: offLoopback, hosts: []string{"node1.corp.internal"}, host: "a.node1.corp.internal"},
		{local: offLoopback, hosts: []string{"203.0.113.9", "[2001:DB8::9]"}, host: "203.0.113.9:80", known: true},
		{local: offLoopback, hosts: []string{"203.0.113.9", "[2001:DB8::9]"}, host: "[2001:db8:0::9]", known: true},
	} {
		s, err := New(Config{Hosts: test.hosts, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		local := test.local
		if !local.IsValid() {
			local = netip.MustParseAddr("127.0.0.1")
		}
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := httptest.NewRequest(method, "/healthz", nil)
			r.Host = test.host
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 9812)))))
			w := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(w, r)
			switch refused := w.Code == http.StatusMisdirectedRequest; {
			case refused == test.known:
				t.Errorf("%s, at %v with hosts %q, Host %q: %d", method, local, test.hosts, test.host, w.Code)
			case refused && method == http.MethodGet && !strings.Contains(w.Body.String(), "hosts in [status]"):
				t.Errorf("what to change is not said: %s", w.Body)
			}
		}
	}
}

// Over a connection: what net/http makes of a request is what is judged.
func TestS15HostsOverAConnection(t *testing.T) {
	s := startServer(t, Config{Hosts: []string{"node1.corp.internal"}})
	for request, want := range map[string]string{
		"GET /healthz HTTP/1.1\r\nHost: " + s.Addr().String() + "\r\n":                   "200",
		"GET /metrics HTTP/1.1\r\nHost: node1.corp.internal:9812\r\n":                    "200",
		"GET /status HTTP/1.1\r\nHost: evil.example\r\n":                                 "421",
		"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n": "421",
		"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n":                "421",
		"GET /elsewhere HTTP/1.1\r\nHost: evil.example\r\n":                              "421",
		"GET /healthz HTTP/1.0\r\n":                                                      "421",
		"GET /healthz HTTP/1.0\r\nHost: localhost\r\n":                                   "200",
		"GET /healthz HTTP/1.1\r\nHost:\r\n":                                             "421",
		"GET /healthz HTTP/1.1\r\n":                                                      "400",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n":             "400",
	} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%sConnection: close\r\n\r\n", request)
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Error(err)
		}
		conn.Close()
		if _, after, _ := strings.Cut(string(answer), " "); !strings.HasPrefix(after, want+" ") {
			t.Errorf("%q: %.60q, want %s", request, answer, want)
		}
	}
}

func TestS15HostsAreNamesAndAddressesAlone(t *testing.T) {
	for host, good := range map[string]bool{
		"node1": true, "node1.corp.internal": true, "Node_1.corp.": true, "10.1.2.3": true, "::1": true, "[fd00::1]": true,
		"": false, ".": false, "node1:9812": false, "https://node1": false, "*.corp.internal": false, "node1/": false, "a b": false, "a..b": false, "knöte": false,
		"[fd00::1]:9812": false,
	} {
		err := Config{Hosts: []string{host}}.Validate()
		if (err == nil) != good || err != nil && !strings.HasPrefix(err.Error(), "hosts: ") {
			t.Errorf("%q: %v", host, err)
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
