package main

import (
	"time"

	"sallyport/e2e/load/internal/engine"
	"sallyport/e2e/load/internal/procs"
	"sallyport/e2e/load/internal/stats"
	"sallyport/e2e/load/report"
)

// meter reads the CPU times at both ends of the measurement.
type meter struct {
	watched []procs.Process
	err     error // the first

	own  []time.Duration   // at each mark
	cpus [][]time.Duration // of each process watched, at each mark
}

func (m *meter) mark() {
	own, err := procs.Own()
	m.keep(err)
	m.own = append(m.own, own)
	cpus := make([]time.Duration, len(m.watched))
	for i, p := range m.watched {
		cpus[i], err = p.CPU()
		m.keep(err)
	}
	m.cpus = append(m.cpus, cpus)
}

func (m *meter) keep(err error) {
	if m.err == nil {
		m.err = err
	}
}

// processes is what each process took for each of n logins.
func (m *meter) processes(n int64) ([]report.Process, error) {
	var all []report.Process
	for i, p := range m.watched {
		rss, err := p.PeakRSS()
		if err != nil {
			return nil, err
		}
		all = append(all, report.Process{
			Name: p.Name, PID: p.PID,
			CPU:        report.PerLogin(m.cpus[1][i]-m.cpus[0][i], n),
			PeakRSSMiB: float64(rss) / (1 << 20),
		})
	}
	return all, nil
}

// report puts a run into its report.
func (o *options) report(result engine.Result, m *meter) (report.Report, error) {
	t := &result.Tally
	r := report.Report{
		Label: o.label, Server: o.server, Mode: "closed", InFlight: o.inFlight, Ports: o.ports,
		Seconds: result.Elapsed.Seconds(), Exhausted: result.Exhausted,
		LoginsPerSecond: float64(t.Accepted) / max(result.Elapsed.Seconds(), 1e-9),
		Started:         t.Started, Accepted: t.Accepted, Rejected: t.Rejected, Reasons: t.Reasons, Lost: t.Lost, Unsent: t.Unsent,
		Retransmissions: t.Retransmissions, LateReplies: t.Late, BadReplies: t.Bad, SendErrors: t.SendErrors,
		Password: times(&t.Password), Code: times(&t.Code), Login: times(&t.Login),
		LoadCPU: report.PerLogin(m.own[1]-m.own[0], t.Accepted),
	}
	switch {
	case o.register:
		r.Mode = "register"
	case o.rate != 0:
		r.Mode, r.Rate, r.InFlight = "open", o.rate, 0
	}
	var err error
	r.Processes, err = m.processes(t.Accepted)
	for _, p := range r.Processes {
		r.ServerCPU += p.CPU
	}
	return r, err
}

func times(h *stats.Histogram) report.Times {
	return report.Times{
		P50: report.Milliseconds(h.Quantile(0.5)), P90: report.Milliseconds(h.Quantile(0.9)),
		P99: report.Milliseconds(h.Quantile(0.99)), Max: report.Milliseconds(h.Max()),
	}
}
