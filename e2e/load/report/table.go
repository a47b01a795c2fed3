package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// WriteTable writes the report for people.
func (r Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("run", "%s", r.title())
	row("logins", "%.0f/s over %.1f s from %d source ports", r.LoginsPerSecond, r.Seconds, r.Ports)
	row("accepted", "%d of %d started", r.Accepted, r.Started)
	if r.Exhausted {
		row("ended early", "every user of the range has used the code of this time step: take more users")
	}
	row("rejected", "%d", r.Rejected)
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		row("", "%d  %q", r.Reasons[reason], reason)
	}
	row("lost", "%d (%d retransmissions, %d late and %d bad replies, %d send errors)",
		r.Lost, r.Retransmissions, r.LateReplies, r.BadReplies, r.SendErrors)
	if r.Unsent > 0 {
		row("not started", "%d: every Identifier of every source port was pending", r.Unsent)
	}
	for _, step := range []struct {
		name  string
		times Times
	}{{"password step", r.Password}, {"code step", r.Code}, {"login", r.Login}} {
		row(step.name, "p50 %.2f  p90 %.2f  p99 %.2f  max %.2f ms", step.times.P50, step.times.P90, step.times.P99, step.times.Max)
	}
	for _, p := range r.Processes {
		row(p.Name, "%.0f µs of CPU per login, at most %.0f MiB (pid %d)", p.CPU, p.PeakRSSMiB, p.PID)
	}
	row("load tool", "%.1f µs of CPU per login", r.LoadCPU)
	return t.Flush()
}

func (r Report) title() string {
	title := r.Server
	if r.Label != "" {
		title = r.Label + " at " + r.Server
	}
	switch r.Mode {
	case "open":
		return fmt.Sprintf("%s, open loop, %.0f/s", title, r.Rate)
	case "register":
		return fmt.Sprintf("%s, registration, %d in flight", title, r.InFlight)
	default:
		return fmt.Sprintf("%s, closed loop, %d in flight", title, r.InFlight)
	}
}
