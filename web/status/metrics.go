package status

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sallyport/login"
)

// Metrics counts verdicts. Client and factor labels are configured names, code and verdict are the
// words of login; no label ever holds what a person typed. It is safe for concurrent use.
type Metrics struct {
	verdicts      *prometheus.CounterVec
	accepts       *prometheus.CounterVec
	registrations *prometheus.CounterVec
	repeated      *prometheus.CounterVec
	took          *prometheus.HistogramVec
	backend       *prometheus.HistogramVec
	codes         []login.Code
}

// Build says what was built; it becomes the labels of sallyport_build_info.
type Build struct {
	Version   string
	Revision  string
	GoVersion string
}

// NewRegistry returns a registry with the metrics of the process, the Go runtime and the build. It
// is the daemon's own: what a library adds to the global one does not appear.
func NewRegistry(b Build) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sallyport_build_info",
		Help: "Always 1; what was built is in the labels.",
		ConstLabels: prometheus.Labels{
			"version": b.Version, "revision": b.Revision, "go_version": b.GoVersion,
		},
	})
	info.Set(1)
	reg.MustRegister(info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// loginBuckets are in seconds: a login takes a few milliseconds, and its p99 has to stay under one
// second.
func loginBuckets() []float64 {
	return []float64{.001, .002, .004, .008, .016, .032, .064, .125, .25, .5, 1, 2, 4}
}

// backendBuckets begin lower: a directory on the same network answers within a millisecond.
func backendBuckets() []float64 { return append([]float64{.00025, .0005}, loginBuckets()...) }

// NewMetrics returns metrics that are registered with reg. It panics when reg already has them,
// which only a mistake in the wiring brings about.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		verdicts: counter("sallyport_verdicts_total",
			"Requests that got a verdict, or none because a back end could not be asked (verdict none).",
			"client", "factor", "code", "verdict"),
		accepts: counter("sallyport_accepts_total",
			"Accepts by how they were earned.", "client", "earned"),
		registrations: counter("sallyport_registrations_total",
			"Factors that people registered while they logged in.", "client", "factor"),
		repeated: counter("sallyport_verdicts_repeated_total",
			"Verdicts that had been given before and were given again for the same answer.", "client"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_login_seconds", Buckets: loginBuckets(),
			Help: "Time from a request to its verdict, without the reject delay.",
		}, []string{"verdict"}),
		backend: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_backend_seconds", Buckets: backendBuckets(),
			Help: "Time that a back end took for one question.",
		}, []string{"backend", "server", "result"}),
		codes: append(login.Codes(), login.CodePrompt),
	}
	reg.MustRegister(m.verdicts, m.accepts, m.registrations, m.repeated, m.took, m.backend)
	return m
}

// Observe counts one verdict.
func (m *Metrics) Observe(e login.Event) {
	verdict := verdictLabel(e)
	m.verdicts.WithLabelValues(e.Client, orNone(e.Factor), m.codeLabel(e.Code), verdict).Inc()
	m.took.WithLabelValues(verdict).Observe(e.Took.Seconds())
	if verdict == login.Accept.String() {
		m.accepts.WithLabelValues(e.Client, earnedLabel(e.Earned)).Inc()
	}
	if e.Registered {
		m.registrations.WithLabelValues(e.Client, orNone(e.Factor)).Inc()
	}
	if e.Repeated {
		m.repeated.WithLabelValues(e.Client).Inc()
	}
	for _, b := range e.Backends {
		result := "ok"
		if b.Failed {
			result = "failed"
		}
		m.backend.WithLabelValues(b.Name, orNone(b.Server), result).Observe(b.Took.Seconds())
	}
}

func verdictLabel(e login.Event) string {
	if !e.Answered {
		return "none"
	}
	return e.Verdict.String()
}

// codeLabel keeps the label within the words of the design, whatever an event holds.
func (m *Metrics) codeLabel(c login.Code) string {
	if slices.Contains(m.codes, c) {
		return string(c)
	}
	return "other"
}

// earnedLabel drops the particulars in parentheses, which name people and reasons: they are in the
// audit.
func earnedLabel(earned string) string {
	kind, _, _ := strings.Cut(earned, "(")
	return orNone(kind)
}

func orNone(label string) string {
	if label == "" {
		return "none"
	}
	return label
}
