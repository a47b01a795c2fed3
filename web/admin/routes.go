package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
)

// table is what is served, but for what is as large as the state.
func (s *Server) table() map[string]handler {
	return map[string]handler{
		"GET /v1/status":               s.status,
		"GET /v1/users":                s.listUsers,
		"GET /v1/user":                 s.showUser,
		"POST /v1/user/enrol":          s.enrolUser,
		"POST /v1/user/invite":         s.inviteUser,
		"POST /v1/user/bypass":         s.bypassUser,
		"POST /v1/user/recovery-codes": s.recoverUser,
		"POST /v1/user/reset":          s.resetUser,
		"POST /v1/user/unlock":         s.unlockUser,
		"GET /v1/windows":              s.listWindows,
		"POST /v1/window":              s.setWindow,
		"GET /v1/clients":              s.listClients,
		"POST /v1/client/forget":       s.forgetClient,
		"GET /v1/cluster":              s.listMembers,
		"POST /v1/cluster/token":       s.issueToken,
		"POST /v1/cluster/remove":      s.removeNode,
		"POST /v1/cluster/transfer":    s.transferLead,
		"POST /v1/cluster/clock":       s.acceptClock,
		"GET /v1/snapshot":             s.showSnapshot,
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range s.table() {
		mux.Handle(pattern, s.wrap(h))
	}
	mux.Handle("POST /v1/snapshot/save", s.long(maxBodyBytes, s.makeBackup))
	mux.Handle("POST /v1/snapshot/restore", s.long(maxBackup, s.restoreBackup))
	mux.Handle("/", s.wrap(func(context.Context, *http.Request) (any, error) {
		return nil, &Problem{http.StatusNotFound, "this daemon does not know that request",
			"the command and the daemon may be of different versions"}
	}))
	return mux
}

// handler answers a request with a value for JSON or with an error for [problemOf].
type handler func(ctx context.Context, r *http.Request) (any, error)

// wrap bounds a request in time and size and writes its answer or its [Problem].
func (s *Server) wrap(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), actWithin)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		w.Header().Set("Cache-Control", "no-store")
		v, err := s.call(ctx, h, r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, v)
	})
}

// refuse answers with the [Problem] of an error; what nobody foresaw is logged.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		s.cfg.Logger.Error("admin request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	writeProblem(w, p)
}

// call turns a panic into an error, so that it costs one request and is answered.
func (s *Server) call(ctx context.Context, h handler, r *http.Request) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Logger.Error("admin request panicked", slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h(ctx, r)
}

func (s *Server) status(ctx context.Context, _ *http.Request) (any, error) {
	return s.cfg.Status.Report(ctx), nil
}

// decode reads the one JSON value of a request. Unknown fields are refused: a field that is not
// understood may be the one that was to limit a destructive act.
func decode[T any](r *http.Request) (T, error) {
	var v T
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return v, &Problem{http.StatusUnsupportedMediaType, "the request is not JSON", "send Content-Type: application/json"}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, badRequest(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, badRequest(errors.New("something follows the JSON value"))
	}
	return v, nil
}

func badRequest(err error) *Problem {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &Problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d bytes", large.Limit), ""}
	}
	return &Problem{http.StatusBadRequest, "the request cannot be read: " + err.Error(), ""}
}
