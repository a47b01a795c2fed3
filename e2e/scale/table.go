package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"sallyport/e2e/load/report"
)

// writeTables writes what was found, in Markdown.
func (s *stage) writeTables(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d people enrolled, %d nodes on %d processors, GOMEMLIMIT=%s for each.\n\n", s.users, len(s.members), runtime.NumCPU(), s.memoryLimit)
	s.writeTimes(&b)
	s.writeNodes(&b)
	s.writeLogins(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *stage) writeTimes(b *strings.Builder) {
	f := &s.found
	b.WriteString("| what | figure |\n| --- | --- |\n")
	row := func(what, format string, args ...any) {
		fmt.Fprintf(b, "| %s | "+format+" |\n", append([]any{what}, args...)...)
	}
	row("registrations through the log of one node", "%.0f/s", float64(s.users)/f.filled.Seconds())
	if len(f.logSizes) > 0 {
		var sizes []string
		for _, size := range f.logSizes {
			sizes = append(sizes, fmt.Sprintf("%.0f", mib(size)))
		}
		row(fmt.Sprintf("log on disk, MiB, before and after each tenth of %d answers at %.0f/s", s.settles, float64(s.settles)/f.settled.Seconds()), "%s", strings.Join(sizes, ", "))
	}
	for i, j := range f.joins {
		row(fmt.Sprintf("node %d joins: until it serves / votes", i+2), "%.1f s / %.1f s", j.serves.Seconds(), j.votes.Seconds())
	}
	row("start of a node from its snapshot, until it serves", "%.1f s", f.start.Seconds())
}

func (s *stage) writeNodes(b *strings.Builder) {
	b.WriteString("\n| node | RSS MiB | heap in use MiB | longest pause of the collector ms | log MiB | snapshot MiB |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, n := range s.found.nodes {
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %.2f | %.0f | %.0f |\n", n.name, n.rss/(1<<20), n.heap/(1<<20), n.pause*1e3, mib(n.log), mib(n.snapshot))
	}
}

func (s *stage) writeLogins(b *strings.Builder) {
	fmt.Fprintf(b, "\n%.0f logins a second, medians of %d rounds of %v, in turns:\n\n", s.rate, s.rounds, s.window)
	b.WriteString("| snapshots, one after another, by | p50 / p90 / p99 / max ms | p99 against none | CPU µs per login | lost | sent again | snapshots written, median s | peak RSS MiB of a node |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, p := range s.found.logins {
		of := func(f func(report.Report) float64) float64 { return median(p.runs, f) }
		p99 := func(r report.Report) float64 { return r.Login.P99 }
		var lost, again int64
		peak := 0.0
		for _, r := range p.runs {
			lost, again = lost+r.Lost, again+r.Retransmissions
			for _, process := range r.Processes {
				peak = max(peak, process.PeakRSSMiB)
			}
		}
		fmt.Fprintf(b, "| %s | %.1f / %.1f / %.1f / %.0f | %.2f | %.0f | %d | %d | %s | %.0f |\n", p.name,
			of(func(r report.Report) float64 { return r.Login.P50 }), of(func(r report.Report) float64 { return r.Login.P90 }),
			of(p99), of(func(r report.Report) float64 { return r.Login.Max }), of(p99)/median(s.found.logins[0].runs, p99),
			of(func(r report.Report) float64 { return r.ServerCPU }), lost, again, snapshotsText(p.snapshots), peak)
	}
}

// median is the middle value of what f gives of the runs.
func median(runs []report.Report, f func(report.Report) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = f(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// snapshotsText is how many there were and the median of their times.
func snapshotsText(took []time.Duration) string {
	if len(took) == 0 {
		return "0"
	}
	slices.Sort(took)
	return fmt.Sprintf("%d, %.2f", len(took), took[len(took)/2].Seconds())
}

func mib(octets int64) float64 { return float64(octets) / (1 << 20) }
