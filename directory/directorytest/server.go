package directorytest

import (
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

// The service account that a [Server] knows.
const (
	ServiceDN       = "cn=sallyport,ou=services," + BaseDN
	ServicePassword = "service-password-1"
)

// Answer is what a [Server] says to a bind. The zero value is success.
type Answer struct {
	// Code is the result code (RFC 4511 §4.1.9), Words the diagnostic message.
	Code     int
	Words    string
	Controls []gldap.Control
}

// Server is an LDAP server inside the test. Its fields are set before the first connection; methods
// are safe for concurrent use.
type Server struct {
	// Address is host:port.
	Address string
	// OnBind, when set, decides a bind before the passwords do; ok is false to let them decide.
	OnBind func(dn, password string) (answer Answer, ok bool)
	// OnSearch, when set, answers a search in the server's place; it returns false to let the server
	// answer.
	OnSearch func(w *gldap.ResponseWriter, r *gldap.Request, filter string) bool

	binds, searches atomic.Int64
	startTLS        *tls.Config

	mu      sync.Mutex
	entries []*ldap.Entry
	// passwords and disabled are by DN in lower case.
	passwords map[string]string
	disabled  map[string]bool
}

// StartServer starts a server that knows [People] and the service account. implicit is for LDAPS,
// startTLS for StartTLS; either may be nil.
func StartServer(t *testing.T, implicit, startTLS *tls.Config) *Server {
	t.Helper()
	s := &Server{startTLS: startTLS, passwords: map[string]string{strings.ToLower(ServiceDN): ServicePassword}, disabled: map[string]bool{}}
	for _, p := range People() {
		s.add(p)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{mux.Bind(s.bind), mux.Search(s.search), mux.Unbind(func(*gldap.ResponseWriter, *gldap.Request) {}),
		mux.ExtendedOperation(s.encrypt, gldap.ExtendedOperationStartTLS)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan struct{}, 1)
	onClose := func(int) {
		select {
		case closed <- struct{}{}:
		default:
		}
	}
	g, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()), gldap.WithOnClose(onClose))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Router(mux); err != nil {
		t.Fatal(err)
	}
	var options []gldap.Option
	if implicit != nil {
		options = append(options, gldap.WithTLSConfig(implicit))
	}
	s.listen(t, g, options, closed)
	return s
}

// listen runs the server on a free port: it takes an address only, so another program may be quicker. It is this
// server that listens when it has closed the connection made here; before that it may not be stopped.
func (s *Server) listen(t *testing.T, g *gldap.Server, options []gldap.Option, closed <-chan struct{}) {
	t.Helper()
	for range 50 {
		s.Address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))
		failed := make(chan error, 1)
		go func() { failed <- g.Run(s.Address, options...) }()
		for {
			conn, err := net.Dial("tcp", s.Address)
			if err == nil {
				conn.Close()
				select {
				case <-closed:
					t.Cleanup(func() { g.Stop() })
					return
				case err = <-failed:
				}
			} else {
				select {
				case err = <-failed:
				default:
					continue
				}
			}
			t.Logf("%s: %v", s.Address, err)
			break
		}
	}
	t.Fatal("no free port")
}

// Binds and Searches count the requests so far.
func (s *Server) Binds() int { return int(s.binds.Load()) }

// Searches counts the searches so far.
func (s *Server) Searches() int { return int(s.searches.Load()) }

// Disable sets a person's account to disabled or enabled, in the entry and for binds.
func (s *Server) Disable(name string, disabled bool) {
	s.Change(name, "nsAccountLock", fmt.Sprint(disabled))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disabled[strings.ToLower(Person{Name: name}.DN())] = disabled
}

// Change sets an attribute of a person; without values it is removed.
func (s *Server) Change(name, attribute string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.entries {
		if e.DN != (Person{Name: name}).DN() {
			continue
		}
		changed := &ldap.Entry{DN: e.DN}
		for _, a := range e.Attributes {
			if !strings.EqualFold(a.Name, attribute) {
				changed.Attributes = append(changed.Attributes, a)
			}
		}
		if len(values) > 0 {
			changed.Attributes = append(changed.Attributes, ldap.NewEntryAttribute(attribute, values))
		}
		s.entries[i] = changed
	}
}

// Add adds an entry that is no person's, such as a group.
func (s *Server) Add(dn string, attributes map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, ldap.NewEntry(dn, attributes))
}

// Remove deletes a person's entry; the password still serves for a bind.
func (s *Server) Remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = slices.DeleteFunc(s.entries, func(e *ldap.Entry) bool { return e.DN == (Person{Name: name}).DN() })
}

func (s *Server) add(p Person) {
	attributes := map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {p.Name}, "entryUUID": {p.ID}, "memberOf": p.Groups,
		"nsAccountLock": {fmt.Sprint(p.Disabled)}}
	for attribute, value := range map[string]string{"mail": p.Mail, "mobile": p.Phone} {
		if value != "" {
			attributes[attribute] = []string{value}
		}
	}
	s.entries = append(s.entries, ldap.NewEntry(p.DN(), attributes))
	s.passwords[strings.ToLower(p.DN())] = p.Password
	s.disabled[strings.ToLower(p.DN())] = p.Disabled
}

func (s *Server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	s.binds.Add(1)
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { w.Write(response) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	password := string(m.Password)
	if s.OnBind != nil {
		if answer, ok := s.OnBind(m.UserName, password); ok {
			response.SetResultCode(answer.Code)
			response.SetDiagnosticMessage(answer.Words)
			response.SetControls(answer.Controls...)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	dn := strings.ToLower(m.UserName)
	stored, known := s.passwords[dn]
	switch {
	case !known || stored != password:
	case s.disabled[dn]:
		response.SetResultCode(gldap.ResultUnwillingToPerform)
		response.SetDiagnosticMessage("Account inactivated. Contact system administrator.")
	default:
		response.SetResultCode(gldap.ResultSuccess)
	}
}

func (s *Server) encrypt(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewExtendedResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	response.SetResponseName(gldap.ExtendedOperationStartTLS)
	if s.startTLS == nil {
		response.SetResultCode(gldap.ResultProtocolError)
		w.Write(response)
		return
	}
	w.Write(response)
	r.StartTLS(s.startTLS) // a failed handshake ends the connection
}

func (s *Server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	s.searches.Add(1)
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultOperationsError))
	m, err := r.GetSearchMessage()
	if err != nil {
		w.Write(done)
		return
	}
	if s.OnSearch != nil && s.OnSearch(w, r, m.Filter) {
		return
	}
	defer func() { w.Write(done) }()
	filter, err := ldap.CompileFilter(m.Filter)
	if err != nil {
		done.SetDiagnosticMessage(err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done.SetResultCode(gldap.ResultSuccess)
	var sent int64
	for _, e := range s.entries {
		if m.Scope == gldap.BaseObject && !strings.EqualFold(e.DN, m.BaseDN) || !fits(filter, e) {
			continue
		}
		if sent++; m.SizeLimit > 0 && sent > m.SizeLimit {
			done.SetResultCode(gldap.ResultSizeLimitExceeded)
			return
		}
		response := r.NewSearchResponseEntry(e.DN)
		for _, a := range e.Attributes {
			if len(a.Values) > 0 {
				response.AddAttribute(a.Name, a.Values)
			}
		}
		w.Write(response)
	}
}

// Octets returns the octets of a hexadecimal text as a string, for binary attributes.
func Octets(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
