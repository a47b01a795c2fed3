package admin

import (
	"encoding/json"
	"errors"
	"net/http"

	"sallyport/login"
)

// Problem is an answer that says no: what is wrong, and what to do about it.
type Problem struct {
	// Status is the HTTP status.
	Status  int    `json:"-"`
	Message string `json:"error"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the message and the hint.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Message
	}
	return p.Message + " (" + p.Hint + ")"
}

// problemOf is the one translation of an error to the outside: a [Problem] goes as it is, the
// cluster's trouble gets its words, and the text of any other error stays in the log.
func problemOf(err error) *Problem {
	var p *Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, login.ErrUnavailable):
		return &Problem{http.StatusServiceUnavailable, "the cluster cannot commit or be read now",
			`try again; "sallyport status" says which part is not ready`}
	default:
		return &Problem{http.StatusInternalServerError, "the daemon could not do it", "its log says why"}
	}
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	writeJSON(w, p.Status, p)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // a caller that hung up has nobody to tell
}
