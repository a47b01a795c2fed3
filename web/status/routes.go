package status

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxScrapes is how many scrapes may run at once: gathering costs a lock in each part.
const maxScrapes = 4

// routes is the table of what is served; guard applies to all of it.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", s.healthz)
	mux.HandleFunc("/readyz", s.readyz)
	mux.HandleFunc("/status", s.status)
	mux.Handle("/metrics", promhttp.HandlerFor(s.cfg.Registry, promhttp.HandlerOpts{
		Registry:            s.cfg.Registry,
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             writeTimeout / 2,
	}))
	return s.guard(mux)
}

// healthz says whether to leave the process alone: it answers 503 only when a loop hangs.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	hung, warnings, code := s.Alive(r.Context()), s.warnings(), http.StatusOK
	var b strings.Builder
	if len(hung) == 0 {
		b.WriteString("alive\n")
	}
	for _, name := range slices.Sorted(maps.Keys(hung)) {
		code = http.StatusServiceUnavailable
		fmt.Fprintf(&b, "[fail] %s: %v\n", name, hung[name])
	}
	for _, name := range slices.Sorted(maps.Keys(warnings)) {
		fmt.Fprintf(&b, "[warn] %s: %s\n", name, warnings[name])
	}
	writeText(w, code, b.String())
}

// readyz says whether to send logins here.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	report := s.report(r.Context(), false)
	code := http.StatusOK
	if !report.Ready {
		code = http.StatusServiceUnavailable
	}
	if wantsJSON(r) {
		writeJSON(w, code, struct {
			Ready bool                  `json:"ready"`
			Parts map[string]PartReport `json:"parts"`
		}{report.Ready, report.Parts})
		return
	}
	writeText(w, code, readyText(report))
}

func readyText(r Report) string {
	var b strings.Builder
	if r.Ready {
		b.WriteString("ready\n")
	} else {
		b.WriteString("not ready\n")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Parts)) {
		switch p := r.Parts[name]; {
		case !p.Ready:
			fmt.Fprintf(&b, "[fail] %s: %s\n", name, p.Reason)
		case p.Warning != "":
			fmt.Fprintf(&b, "[warn] %s: %s\n", name, p.Warning)
		default:
			fmt.Fprintf(&b, "[ ok ] %s\n", name)
		}
	}
	return b.String()
}

// status is 200 also when a part is not ready: the question "what is wrong" was answered.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.Report(r.Context()))
}

// wantsJSON asks for no more of Accept than that the type is named; ?format=json is for browsers.
func wantsJSON(r *http.Request) bool {
	return r.URL.Query().Get("format") == "json" ||
		strings.Contains(r.Header.Get("Accept"), "application/json")
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // a probe that hung up has nobody to tell
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		writeText(w, http.StatusInternalServerError, "a part's status cannot be written as JSON\n")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}
