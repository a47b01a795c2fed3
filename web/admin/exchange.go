package admin

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// The bounds of requests and answers that are as large as the state.
const (
	// longWithin bounds such a request, stallWithin each wait for the other end.
	longWithin  = time.Hour
	stallWithin = 30 * time.Second
	// maxBackup bounds what is read of a backup, in octets.
	maxBackup = 16 << 30
)

// exchange is a request and its answer, of which one is long. It is read and written in pieces; each
// may take [stallWithin].
type exchange struct {
	request *http.Request
	answer  http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// Read reads the request.
func (x *exchange) Read(p []byte) (int, error) {
	// The clock of deadlines is the machine's, whatever time the API is told.
	if err := x.control.SetReadDeadline(time.Now().Add(stallWithin)); err != nil {
		return 0, err
	}
	n, err := x.request.Body.Read(p)
	if err == nil {
		return n, nil
	}
	if late := x.mayTakeLong(); late != nil {
		err = late
	}
	return n, err
}

// Write writes the answer.
func (x *exchange) Write(p []byte) (int, error) {
	x.begun = true
	if err := x.control.SetWriteDeadline(time.Now().Add(stallWithin)); err != nil {
		return 0, err
	}
	return x.answer.Write(p)
}

// mayTakeLong lets the work between request and answer last: the server would take an old deadline for
// a caller who is gone.
func (x *exchange) mayTakeLong() error {
	if err := x.control.SetReadDeadline(time.Now().Add(longWithin)); err != nil {
		return err
	}
	return x.control.SetWriteDeadline(time.Now().Add(longWithin))
}

// longHandler answers a request with a value for JSON, with what it writes to the exchange, or with an
// error for [problemOf].
type longHandler func(ctx context.Context, x *exchange) (any, error)

// long is [Server.wrap] for backups: one at a time, since each takes memory and the disk's time.
func (s *Server) long(maxBody int64, h longHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), longWithin)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		x := &exchange{request: r, answer: w, control: http.NewResponseController(w)}
		v, err := s.call(ctx, func(ctx context.Context, _ *http.Request) (any, error) {
			if !s.busy.TryLock() {
				return nil, &Problem{http.StatusConflict, "another backup or restore is under way", "try again when it is done"}
			}
			defer s.busy.Unlock()
			if err := x.mayTakeLong(); err != nil {
				return nil, err
			}
			return h(ctx, x)
		}, r)
		switch {
		case err != nil && x.begun:
			s.cfg.Logger.Warn("admin answer broken off", slog.String("path", r.URL.Path), slog.Any("error", err))
			panic(http.ErrAbortHandler) // the caller sees that it is not whole
		case err != nil:
			_, _ = io.Copy(io.Discard, x) // a caller who still writes would not see the answer
			s.refuse(w, r, err)
		case !x.begun:
			writeJSON(w, http.StatusOK, v)
		}
	})
}
