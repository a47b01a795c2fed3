package main

import (
	"bufio"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"sallyport/e2e/servers"
)

// nodeFigures is what one node takes.
type nodeFigures struct {
	name string
	// rss is what is resident, heap what of the heap is in use, in octets.
	rss, heap float64
	// pause is the longest of the collector's last pauses, in seconds.
	pause         float64
	log, snapshot int64
}

// look asks every node what it takes.
func (s *stage) look() error {
	for _, m := range s.members {
		f, err := figuresOf(m)
		if err != nil {
			return fmt.Errorf("figures of %s: %w", m.Name, err)
		}
		s.found.nodes = append(s.found.nodes, f)
	}
	return nil
}

func figuresOf(m *servers.Sallyport) (nodeFigures, error) {
	f := nodeFigures{name: m.Name}
	_, page, err := m.Get("/metrics")
	if err != nil {
		return f, err
	}
	for name, value := range map[string]*float64{
		"process_resident_memory_bytes":        &f.rss,
		"go_memstats_heap_inuse_bytes":         &f.heap,
		`go_gc_duration_seconds{quantile="1"}`: &f.pause,
	} {
		if *value, err = metric(page, name); err != nil {
			return f, err
		}
	}
	if f.log, err = sizeOf(filepath.Join(m.Data, logFile)); err != nil {
		return f, err
	}
	f.snapshot, err = snapshotSize(m)
	return f, err
}

// metric is the value of one line of a page of metrics.
func metric(page, name string) (float64, error) {
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
