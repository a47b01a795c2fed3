package email_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/factors/email"
)

// strict is a mail server that encrypts where it is asked to, refuses what says is for, and takes no name but ours.
type strict struct {
	tls *tls.Config
	// says answers a command in place of the usual answer; "EHLO" before and "EHLO+" after encryption, "." after DATA.
	says map[string]string
	// name is the name that it takes; any where empty.
	name string

	mu    sync.Mutex
	names []string
}

func (s *strict) serve(implicit bool) func(net.Conn) {
	return func(conn net.Conn) {
		defer func() { conn.Close() }()
		encrypted := implicit
		if implicit {
			conn = tls.Server(conn, s.tls)
		}
		greeting, refused := s.says["greeting"]
		if !refused {
			greeting = "220 mail.example.test"
		}
		io.WriteString(conn, greeting+"\r\n")
		scanner := bufio.NewScanner(conn)
		inData := false
		for scanner.Scan() {
			verb, argument, _ := strings.Cut(scanner.Text(), " ")
			if inData && verb != "." {
				continue
			}
			answer := map[string]string{"EHLO": "250-hello\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS", "STARTTLS": "220 go on", "AUTH": "235 welcome", "DATA": "354 go on"}[verb]
			if answer == "" {
				answer = "250 ok"
			}
			key := verb
			if verb == "EHLO" || verb == "HELO" {
				s.mu.Lock()
				s.names = append(s.names, verb+" "+argument)
				s.mu.Unlock()
				if s.name != "" && argument != s.name {
					answer = "504 5.5.2 <" + argument + ">: Helo command rejected: need fully-qualified hostname"
				}
				if verb == "EHLO" && encrypted {
					key = "EHLO+"
				}
			}
			if own, ok := s.says[key]; ok {
				answer = own
			}
			inData = verb == "DATA" && strings.HasPrefix(answer, "354")
			if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
				return
			}
			if verb == "STARTTLS" && strings.HasPrefix(answer, "220") {
				conn = tls.Server(conn, s.tls)
				encrypted, scanner = true, bufio.NewScanner(conn)
			}
		}
	}
}

func TestD12TheNameInEveryGreeting(t *testing.T) {
	a := newAuthority(t)
	for name, test := range map[string]struct {
		helo, full, want string
	}{
		"configured":                  {"relay.example.test", "node.example.test", "relay.example.test"},
		"an address":                  {"[192.0.2.7]", "node.example.test", "[192.0.2.7]"},
		"the machine's full name":     {"", "node.example.test", "node.example.test"},
		"the machine has a short one": {"", "node", "node"}, // a pipe has no address
		"the machine has none":        {"", "", "localhost"},
		"the machine's is no name":    {"", "no de.example.test", "localhost"},
	} {
		for _, scheme := range []string{"smtp", "smtps"} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &strict{tls: a.issue(t, host), name: test.want}
					config := complete(account(a, scheme+"://"+host+":25"))
					config.Helo = test.helo
					f, err := email.New(config, email.Deps{
						Logger: slog.New(slog.DiscardHandler), Now: time.Now, Dial: network{host + ":25": s.serve(scheme == "smtps")}.dial,
						FullName: func() string { return test.full },
					})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := send(t, f); err != nil {
						t.Error(err)
					}
					if check := f.Check(t.Context()); check[0].Err != nil || check[0].TLS != "TLS 1.3" {
						t.Errorf("%+v", check)
					}
					want := []string{"EHLO " + test.want, "EHLO " + test.want}
					if scheme == "smtp" { // before STARTTLS, and after it
						want = append(want, want...)
					}
					if !slices.Equal(s.names, want) {
						t.Errorf("greeted as %q, want %q", s.names, want)
					}
				})
			})
		}
	}
}

// Over a network a machine without a full name says where the connection comes from.
func TestD12AMachineWithoutAFullNameSaysItsAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := &strict{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err == nil {
			s.serve(false)(conn)
		}
	}()
	f, err := email.New(complete(email.Config{Servers: []string{"smtp+plain://" + listener.Addr().String()}}),
		email.Deps{Logger: slog.New(slog.DiscardHandler), Now: time.Now, FullName: func() string { return "node" }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, f); err != nil {
		t.Error(err)
	}
	<-done
	if want := []string{"EHLO [127.0.0.1]"}; !slices.Equal(s.names, want) {
		t.Errorf("greeted as %q, want %q", s.names, want)
	}
}

// Each step is named by its command, with what the server said of it, and without what it must not say.
func TestD12TheStepThatIsRefusedIsNamed(t *testing.T) {
	a := newAuthority(t)
	const secret = "hunter2-secret"
	plain := base64.StdEncoding.EncodeToString([]byte("\x00login@example.test\x00" + secret))
	for step, test := range map[string]struct {
		says  map[string]string
		names string
		// permanent is what the factor makes of it.
		permanent bool
	}{
		"greeting":              {map[string]string{"greeting": "554 5.3.2 %s"}, "greeting: the server answered 554 5.3.2: ", true},
		"EHLO before STARTTLS":  {map[string]string{"EHLO": "504 5.5.2 %s"}, "EHLO: the server answered 504 5.5.2: ", true},
		"EHLO in several lines": {map[string]string{"EHLO": "550-5.7.1 go away\r\n550 5.7.1 %s"}, "EHLO: the server answered 550 5.7.1: go away", true},
		"EHLO is not known":     {map[string]string{"EHLO": "502 5.5.1 %s"}, "EHLO: the server answered 502 5.5.1: ", true},
		"STARTTLS":              {map[string]string{"STARTTLS": "454 4.7.0 %s"}, "STARTTLS: the server answered 454 4.7.0: ", false},
		"EHLO after STARTTLS":   {map[string]string{"EHLO+": "504 5.5.2 %s"}, "EHLO: the server answered 504 5.5.2: ", true},
		"HELO after STARTTLS":   {map[string]string{"EHLO+": "500 what?", "HELO": "504 5.5.2 %s"}, "HELO: the server answered 504 5.5.2: ", true},
		"AUTH":                  {map[string]string{"AUTH": "535 5.7.8 %s"}, "AUTH: the server answered 535 5.7.8: ", true},
		"MAIL":                  {map[string]string{"MAIL": "530 5.7.0 %s"}, "MAIL: the server answered 530 5.7.0: ", true},
		"RCPT":                  {map[string]string{"RCPT": "550 5.1.1 %s"}, "RCPT: the server answered 550 5.1.1: ", true},
		"DATA":                  {map[string]string{"DATA": "554 5.7.1 %s"}, "DATA: the server answered 554 5.7.1: ", true},
		"the final dot":         {map[string]string{".": "554 5.7.1 %s"}, "DATA: the server answered 554 5.7.1: ", true},
		"without enhanced":      {map[string]string{"AUTH": "535 %s"}, "AUTH: the server answered 535: ", true},
	} {
		for echo, words := range map[string]string{
			"":                            "rejected by policy for 300 seconds, see https://mail.example.test/why?id=42",
			secret:                        "wrong password " + secret,
			strings.ToUpper(secret):       "wrong password " + strings.ToUpper(secret),
			plain:                         "AUTH PLAIN " + plain + " rejected",
			strings.TrimRight(plain, "="): "AUTH PLAIN " + strings.TrimRight(plain, "=") + " rejected",
			base64.StdEncoding.EncodeToString([]byte(secret)): "rejected " + base64.StdEncoding.EncodeToString([]byte(secret)),
			"alice":                  "<alice@example.test>: User alice is not known, rejected",
			"ALICE":                  "ALICE is rejected",
			"bob@":                   "forward to bob@other.example.test, rejected",
			"492817":                 "spam: 492817 is your code, rejected",
			"\x1b[31m":               "rejected \x1b[31m",
			"\x9b":                   "rejected \x9b\xff",
			strings.Repeat("r", 300): "rejected " + strings.Repeat("r ", 900),
		} {
			synctest.Test(t, func(t *testing.T) {
				says := map[string]string{}
				for command, answer := range test.says {
					if strings.Contains(answer, "%s") {
						answer = fmt.Sprintf(answer, words)
					}
					says[command] = answer
				}
				s := &strict{tls: a.issue(t, host), says: says}
				config := account(a, "smtp://"+host)
				f := newFactor(t, config, network{host + ":587": s.serve(false)})
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				_, err := f.Send(ctx, message(t, f))
				wantFailure(t, err, "smtp://"+host+":587", test.permanent, test.names)
				if err == nil {
					return
				}
				said := err.Error()
				if echo != "" && strings.Contains(said, echo) || strings.Contains(said, secret) || len([]rune(said)) > 400 {
					t.Errorf("%s: %q is said in %q", step, echo, said)
				}
				if !strings.Contains(said, "reject") && !strings.Contains(said, "wrong password") && step != "EHLO in several lines" {
					t.Errorf("%s: the server's words are not in %q", step, said)
				}
				if echo == "" && step != "EHLO in several lines" && !strings.Contains(said, words) {
					t.Errorf("%s: harmless words are changed: %q", step, said)
				}
				if t.Context().Err() == nil {
					<-time.After(time.Minute) // the server finds the connection closed
				}
			})
		}
	}
}
