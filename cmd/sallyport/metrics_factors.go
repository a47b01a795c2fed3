package main

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport/factors/email"
	"sallyport/factors/sms"
	"sallyport/login"
	"sallyport/radius"
)

// newSends counts messages by what they were for and what became of them.
func newSends() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sallyport_sends_total", Help: "Codes and notices by what became of them.",
	}, []string{"factor", "kind", "result"})
}

// sent counts a message.
func (m *metrics) sent(d login.Delivery) {
	kind, result := "code", "taken"
	if d.Notice != "" {
		kind = "notice"
	}
	var refused *login.SendError
	switch {
	case d.Err == nil:
	case errors.As(d.Err, &refused) && refused.Permanent:
		result = "refused"
	default:
		result = "failed"
	}
	m.sends.WithLabelValues(d.Factor, kind, result).Inc()
}

// factorStats are what the factors in use count themselves.
type factorStats struct {
	mail     []email.ServerStats
	gateways []sms.ServerStats
	upstream []radius.UpstreamStats
	pending  int
}

func (l *logins) factorStats() factorStats {
	st := factorStats{pending: l.outbox.Pending()}
	for _, f := range l.current.Load().factors {
		switch counting := f.Factor.(type) {
		case *email.Factor:
			st.mail = counting.Stats().Servers
		case *sms.Factor:
			st.gateways = counting.Stats().Servers
		}
		if f.upstream != nil {
			st.upstream = f.upstream.Stats()
		}
	}
	return st
}

// factorCollectors read the factors: mail servers, gateways, the servers of SecurID.
func factorCollectors(stats func() factorStats) []prometheus.Collector {
	return []prometheus.Collector{
		readings[factorStats]{[]reading[factorStats]{
			gauge("sallyport_outbox_pending", "Messages and forwarded answers that are on their way.",
				func(s factorStats) float64 { return float64(s.pending) }),
		}, func() []labelled[factorStats] { return []labelled[factorStats]{{counts: stats()}} }},

		readings[email.ServerStats]{[]reading[email.ServerStats]{
			gauge("sallyport_email_server_up", "1 while the mail server takes messages, as far as the last one told.",
				func(s email.ServerStats) float64 { return oneIf(s.Up) }, "server"),
		}, func() []labelled[email.ServerStats] {
			return byServer(stats().mail, func(s email.ServerStats) string { return s.Server })
		}},
		outcomes("sallyport_email_messages_total", "Conversations with mail servers about one message, by their outcome.", "result",
			func() []outcomeCounts { return mailOutcomes(stats().mail) }),
		outcomes("sallyport_sms_messages_total", "Requests to SMS gateways by their outcome.", "result",
			func() []outcomeCounts { return gatewayOutcomes(stats().gateways) }),

		readings[radius.UpstreamStats]{[]reading[radius.UpstreamStats]{
			gauge("sallyport_upstream_server_up", "1 while the server answers, 0 while it is marked down.",
				func(s radius.UpstreamStats) float64 { return oneIf(!s.Down) }, "server"),
			counter("sallyport_upstream_requests_total", "Answers that were forwarded, without retransmissions.",
				func(s radius.UpstreamStats) float64 { return float64(s.Requests) }, "server"),
			counter("sallyport_upstream_bad_replies_total", "Replies that failed verification.",
				func(s radius.UpstreamStats) float64 { return float64(s.BadReplies) }, "server"),
			counter("sallyport_upstream_unsigned_probes_total", "How often a server's silence was looked into.",
				func(s radius.UpstreamStats) float64 { return float64(s.UnsignedProbes) }, "server"),
		}, func() []labelled[radius.UpstreamStats] {
			return byServer(stats().upstream, func(s radius.UpstreamStats) string { return s.Server })
		}},
		outcomes("sallyport_upstream_outcomes_total", "Forwarded answers by what became of them.", "outcome",
			func() []outcomeCounts { return upstreamOutcomes(stats().upstream) }),
	}
}

func byServer[S any](all []S, name func(S) string) (list []labelled[S]) {
	for _, s := range all {
		list = append(list, labelled[S]{[]string{name(s)}, s})
	}
	return list
}

// outcomeCounts are the counts of one server by the word for an outcome.
type outcomeCounts struct {
	server string
	counts map[string]uint64
}

// outcomes is a counter by server and outcome.
func outcomes(name, help, label string, take func() []outcomeCounts) prometheus.Collector {
	return readings[uint64]{[]reading[uint64]{
		counter(name, help, func(n uint64) float64 { return float64(n) }, "server", label),
	}, func() (list []labelled[uint64]) {
		for _, s := range take() {
			for outcome, n := range s.counts {
				list = append(list, labelled[uint64]{[]string{s.server, outcome}, n})
			}
		}
		return list
	}}
}

func mailOutcomes(all []email.ServerStats) (list []outcomeCounts) {
	for _, s := range all {
		list = append(list, outcomeCounts{s.Server, map[string]uint64{
			"taken": s.Sent, "failed": s.Temporary, "refused": s.Permanent,
		}})
	}
	return list
}

func gatewayOutcomes(all []sms.ServerStats) (list []outcomeCounts) {
	for _, s := range all {
		list = append(list, outcomeCounts{s.Server, map[string]uint64{
			"taken": s.Taken, "queued": s.Queued, "refused": s.Refused, "busy": s.Busy,
			"unreachable": s.Unreachable, "unknown": s.Unknown,
		}})
	}
	return list
}

func upstreamOutcomes(all []radius.UpstreamStats) (list []outcomeCounts) {
	for _, s := range all {
		list = append(list, outcomeCounts{s.Server, map[string]uint64{
			"accept": s.Accepts, "reject": s.Rejects, "challenge": s.Challenges,
			"silent": s.Silent, "refused": s.Refused, "misconfigured": s.Misconfigured,
		}})
	}
	return list
}
