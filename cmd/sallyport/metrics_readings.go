package main

import "github.com/prometheus/client_golang/prometheus"

// reading is a metric that is read from a part's own counts.
type reading[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(S) float64
}

// labelled are counts with the values of their labels.
type labelled[S any] struct {
	labels []string
	counts S
}

// readings collects the same metrics of each of several counts. What is shown is taken at once, so
// that the figures of one scrape belong together.
type readings[S any] struct {
	table []reading[S]
	take  func() []labelled[S]
}

// Describe implements [prometheus.Collector].
func (r readings[S]) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range r.table {
		descs <- m.desc
	}
}

// Collect implements [prometheus.Collector].
func (r readings[S]) Collect(metrics chan<- prometheus.Metric) {
	for _, l := range r.take() {
		for _, m := range r.table {
			metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(l.counts), l.labels...)
		}
	}
}

// counter is a reading that only rises, gauge one that does not; help says what it means.
func counter[S any](name, help string, value func(S) float64, labels ...string) reading[S] {
	return reading[S]{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, value}
}

func gauge[S any](name, help string, value func(S) float64, labels ...string) reading[S] {
	return reading[S]{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, value}
}
