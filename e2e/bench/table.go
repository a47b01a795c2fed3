package main

import (
	"fmt"
	"io"
	"strings"

	"sallyport/e2e/load/report"
)

// row is the medians of a cell; what went wrong is summed over its runs.
type row struct {
	cell
	rate, p50, p90, p99, max     float64
	passwordP99, codeP99         float64
	cpu, ownCPU, slapdCPU, tool  float64
	rss                          float64
	rejected, lost, again, short int64
}

func summarize(key cell, runs []report.Report) row {
	of := func(f func(report.Report) float64) float64 { return median(runs, f) }
	r := row{
		cell: key,
		rate: of(func(r report.Report) float64 { return r.LoginsPerSecond }),
		p50:  of(func(r report.Report) float64 { return r.Login.P50 }),
		p90:  of(func(r report.Report) float64 { return r.Login.P90 }),
		p99:  of(func(r report.Report) float64 { return r.Login.P99 }),
		max:  of(func(r report.Report) float64 { return r.Login.Max }),

		passwordP99: of(func(r report.Report) float64 { return r.Password.P99 }),
		codeP99:     of(func(r report.Report) float64 { return r.Code.P99 }),

		cpu:      of(func(r report.Report) float64 { return r.ServerCPU }),
		ownCPU:   of(func(r report.Report) float64 { return all(r, key.contender).CPU }),
		slapdCPU: of(func(r report.Report) float64 { return all(r, "slapd").CPU }),
		tool:     of(func(r report.Report) float64 { return r.LoadCPU }),
	}
	for _, run := range runs {
		r.rss = max(r.rss, all(run, key.contender).PeakRSSMiB)
		r.rejected += run.Rejected
		r.lost += run.Lost + run.Unsent
		r.again += run.Retransmissions
		if run.Exhausted {
			r.short++
		}
	}
	return r
}

// all is the sum of the processes of a name.
func all(r report.Report, name string) (sum report.Process) {
	for _, p := range r.Processes {
		if p.Name == name {
			sum.CPU += p.CPU
			sum.PeakRSSMiB += p.PeakRSSMiB
		}
	}
	return sum
}

// writeTable writes the table in Markdown, how it came about, and the ratios that matter.
func (m *measurement) writeTable(w io.Writer, machine string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", machine)
	fmt.Fprintf(&b, "%d people in slapd, medians of %d rounds of %v after %v, the contenders in turns; %s between server and slapd. %s\n\n",
		m.people, m.options.rounds, m.duration, m.warmup,
		map[bool]string{false: "LDAP", true: "LDAPS"}[m.tls],
		map[bool]string{
			false: "Both search and bind for each login.",
			true:  "FreeRADIUS searches and binds for each login; Sallyport remembers the entries and binds.",
		}[m.warm])
	b.WriteString("| load | server | logins/s | p50 / p90 / p99 / max ms | p99 of the password step / of the code step | CPU µs per login (servers + slapd) | load tool µs | peak RSS MiB | rejected | lost | sent again |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	rows := map[cell]row{}
	for _, key := range m.cells {
		r := summarize(key, m.runs[key])
		rows[key] = r
		fmt.Fprintf(&b, "| %s | %s | %.0f | %.1f / %.1f / %.1f / %.0f | %.1f / %.1f | %.0f (%.0f + %.0f) | %.0f | %.0f | %d | %d | %d |\n",
			key.job, key.contender, r.rate, r.p50, r.p90, r.p99, r.max, r.passwordP99, r.codeP99,
			r.cpu, r.ownCPU, r.slapdCPU, r.tool, r.rss, r.rejected, r.lost, r.again)
	}
	m.writeRatios(&b, rows)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeRatios sets Sallyport against the peer, job by job; there is nothing to set when one is alone.
func (m *measurement) writeRatios(b *strings.Builder, rows map[cell]row) {
	if m.only != "" {
		return
	}
	b.WriteString("\n| load | against freeradius | logins/s | CPU per login | p99 |\n| --- | --- | --- | --- | --- |\n")
	for _, key := range m.cells {
		if key.contender != peerName {
			peer, ours := rows[cell{key.job, peerName}], rows[key]
			fmt.Fprintf(b, "| %s | %s | %.2f | %.2f | %.2f |\n", key.job, key.contender, ours.rate/peer.rate, ours.cpu/peer.cpu, ours.p99/peer.p99)
		}
	}
}

// String names the job in the table.
func (j job) String() string {
	if j.rate != 0 {
		return fmt.Sprintf("open loop, %.0f/s", j.rate)
	}
	return fmt.Sprintf("%d in flight", j.inFlight)
}
