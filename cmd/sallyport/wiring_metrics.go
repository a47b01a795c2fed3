package main

import (
	"cmp"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport/web/status"
)

// metrics are what the daemon itself counts; what its parts count is added when they run.
type metrics struct {
	registry   *prometheus.Registry
	verdicts   *status.Metrics
	now        func() time.Time
	reloadGood prometheus.Gauge
	reloadTime prometheus.Gauge
	sends      *prometheus.CounterVec
}

func newMetrics(now func() time.Time) *metrics {
	registry := status.NewRegistry(status.Build{
		Version: programVersion(), Revision: cmp.Or(buildSettings()["vcs.revision"], "unknown"), GoVersion: runtime.Version(),
	})
	m := &metrics{
		registry: registry, verdicts: status.NewMetrics(registry), now: now,
		reloadGood: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sallyport_config_last_reload_success",
			Help: "1 when the configuration that was read last is in effect, 0 when it was refused.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "sallyport_config_last_reload_timestamp_seconds",
			Help: "When the configuration was read last, also when it was refused.",
		}),
	}
	m.sends = newSends()
	registry.MustRegister(m.reloadGood, m.reloadTime, m.sends)
	m.reloaded(true) // the start has read it
	return m
}

// reloaded notes that the configuration was read, and whether it is in effect.
func (m *metrics) reloaded(ok bool) {
	m.reloadTime.Set(float64(m.now().Unix()))
	m.reloadGood.Set(0)
	if ok {
		m.reloadGood.Set(1)
	}
}
