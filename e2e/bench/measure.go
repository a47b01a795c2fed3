package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"sallyport/e2e/load/report"
)

// job is one kind of load.
type job struct {
	inFlight int
	rate     float64 // not 0: an open loop
}

func (j job) flags() []string {
	if j.rate != 0 {
		return []string{"--rate", fmt.Sprint(j.rate)}
	}
	return []string{"--in-flight", fmt.Sprint(j.inFlight)}
}

// cell is a line of the table: one contender doing one job.
type cell struct {
	job
	contender string
}

// measurement gathers the runs.
type measurement struct {
	*stage
	cells []cell // in the table's order
	runs  map[cell][]report.Report
}

// measure does every job in every round, the contenders in turns; the open loop comes last, at half
// of the best median of the peer.
func (m *measurement) measure(ctx context.Context) error {
	var closed []job
	for _, n := range m.inFlight {
		closed = append(closed, job{inFlight: n})
	}
	if err := m.rounds(ctx, closed); err != nil {
		return err
	}
	rate := m.openRate
	if rate == 0 {
		rate = m.best(peerName) / 2
	}
	return m.rounds(ctx, []job{{rate: float64(int(rate))}})
}

func (m *measurement) rounds(ctx context.Context, jobs []job) error {
	for _, j := range jobs {
		for _, c := range m.contenders {
			m.cells = append(m.cells, cell{j, c.name})
		}
	}
	for range m.options.rounds {
		for _, j := range jobs {
			for _, c := range m.contenders {
				if err := m.once(ctx, j, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// once does one run, when its part of the people is rested.
func (m *measurement) once(ctx context.Context, j job, c *contender) error {
	part, first, count, rested := c.rest.take()
	if wait := rested.Sub(m.now()); c.singleUse && wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	r, err := m.load(ctx, c, append(j.flags(), "--first", fmt.Sprint(first), "--count", fmt.Sprint(count),
		"--warmup", m.warmup.String(), "--duration", m.duration.String())...)
	c.rest.took(part, m.now())
	if err != nil {
		return err
	}
	m.say("%s", oneLine(r))
	key := cell{j, c.name}
	m.runs[key] = append(m.runs[key], r)
	return nil
}

// best is the highest median rate of a contender's closed loops.
func (m *measurement) best(name string) float64 {
	var best float64
	for key, runs := range m.runs {
		if key.contender == name && key.rate == 0 {
			best = max(best, median(runs, func(r report.Report) float64 { return r.LoginsPerSecond }))
		}
	}
	return best
}

// median is the middle value of what f gives of the runs, the lower one of two.
func median(runs []report.Report, f func(report.Report) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = f(r)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// writeRuns writes every run as a line of JSON.
func (m *measurement) writeRuns(file string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := json.NewEncoder(f)
	for _, key := range m.cells {
		for _, r := range m.runs[key] {
			err = errors.Join(err, out.Encode(r))
		}
	}
	return err
}
