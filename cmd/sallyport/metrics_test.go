package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"sallyport/audit"
	"sallyport/cluster"
	"sallyport/directory/ldap"
	"sallyport/factors/email"
	"sallyport/factors/sms"
	"sallyport/login"
	"sallyport/radius"
)

// partCollectors read parts with a count of everything.
func partCollectors() []prometheus.Collector {
	node := func() cluster.Stats {
		return cluster.Stats{Commits: 100, Batches: 7, Hangs: 1, Queued: 3, Challenges: 40, Verdicts: 60, Capacity: 80000}
	}
	servers := func() map[string]ldap.Stats {
		return map[string]ldap.Stats{"corp": {Binds: 9, Failovers: 2, InFlight: 1, Servers: []ldap.ServerStats{
			{URL: "ldaps://dc1", Up: true, Asked: 9, InFlight: 1}, {URL: "ldaps://dc2", Asked: 3, Failed: 2},
		}}}
	}
	server := func() radius.Stats {
		return radius.Stats{
			Clients: map[string]radius.ClientStats{"vpn": {
				Requests: 12, Duplicates: 3, Accepts: 4, Rejects: 2, Challenges: 5, Statuses: 1,
				Dropped: map[radius.Reason]uint64{radius.DropQueueFull: 6},
			}},
			Strangers: map[radius.Reason]uint64{radius.DropUnknownClient: 8},
			Accounting: map[string]radius.AccountingStats{"vpn": {
				Requests: 9, Repeats: 2, Responses: 8, Starts: 4, Stops: 3, Interims: 1, Others: 1,
				Dropped: map[radius.Reason]uint64{radius.DropNotRecorded: 5},
			}},
			AccountingStrangers: map[radius.Reason]uint64{radius.DropUnknownClient: 6},
			Queued:              2, OldestWait: 1500 * time.Millisecond, InFlight: 11,
		}
	}
	all := append(radiusCollectors(server), clusterCollector(node), directoryCollector(servers), serverCollector(servers), newSends())
	all = append(all, memberCollectors(threeNodes)...)
	all = append(all, auditCollector(func() audit.Stats { return audit.Stats{Records: 8, Batches: 2, Failed: 5, Bytes: 4096, Segments: 1} }))
	return append(all, factorCollectors(factorCounts)...)
}

// factorCounts are those of one server each.
func factorCounts() factorStats {
	return factorStats{
		mail:     []email.ServerStats{{Server: "smtp://mail:587", Up: true, Sent: 4, Temporary: 1}},
		gateways: []sms.ServerStats{{Server: "sms.example", Taken: 3, Unknown: 1}},
		upstream: []radius.UpstreamStats{{Server: "192.0.2.7:1812", Down: true, Requests: 9, Rejects: 2, Silent: 1}},
		pending:  5,
	}
}

func TestMessagesAreCountedByWhatBecameOfThem(t *testing.T) {
	m := newMetrics(time.Now)
	m.sent(login.Delivery{Factor: "email"})
	m.sent(login.Delivery{Factor: "email", Notice: login.NoticeRemoved, Err: errors.New("timeout")})
	m.sent(login.Delivery{Factor: "sms", Err: fmt.Errorf("send: %w", &login.SendError{Permanent: true, Err: errors.New("no such number")})})
	m.registry.MustRegister(factorCollectors(factorCounts)...)
	want := `
# HELP sallyport_outbox_pending Messages and forwarded answers that are on their way.
# TYPE sallyport_outbox_pending gauge
sallyport_outbox_pending 5
# HELP sallyport_sends_total Codes and notices by what became of them.
# TYPE sallyport_sends_total counter
sallyport_sends_total{factor="email",kind="code",result="taken"} 1
sallyport_sends_total{factor="email",kind="notice",result="failed"} 1
sallyport_sends_total{factor="sms",kind="code",result="refused"} 1
# HELP sallyport_upstream_outcomes_total Forwarded answers by what became of them.
# TYPE sallyport_upstream_outcomes_total counter
sallyport_upstream_outcomes_total{outcome="accept",server="192.0.2.7:1812"} 0
sallyport_upstream_outcomes_total{outcome="challenge",server="192.0.2.7:1812"} 0
sallyport_upstream_outcomes_total{outcome="misconfigured",server="192.0.2.7:1812"} 0
sallyport_upstream_outcomes_total{outcome="refused",server="192.0.2.7:1812"} 0
sallyport_upstream_outcomes_total{outcome="reject",server="192.0.2.7:1812"} 2
sallyport_upstream_outcomes_total{outcome="silent",server="192.0.2.7:1812"} 1
`
	err := testutil.GatherAndCompare(m.registry, strings.NewReader(want),
		"sallyport_outbox_pending", "sallyport_sends_total", "sallyport_upstream_outcomes_total")
	if err != nil {
		t.Error(err)
	}
}

func TestPartsAreReadWhenTheyAreAskedFor(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(partCollectors()...)
	want := `
# HELP sallyport_cluster_commits_total Commands that were committed here.
# TYPE sallyport_cluster_commits_total counter
sallyport_cluster_commits_total 100
# HELP sallyport_cluster_member_last_contact_seconds How long ago the node last answered.
# TYPE sallyport_cluster_member_last_contact_seconds gauge
sallyport_cluster_member_last_contact_seconds{node="node1"} 0
sallyport_cluster_member_last_contact_seconds{node="node2"} 0.24
sallyport_cluster_member_last_contact_seconds{node="node3"} 0.31
# HELP sallyport_cluster_members Nodes by role.
# TYPE sallyport_cluster_members gauge
sallyport_cluster_members{role="joining"} 0
sallyport_cluster_members{role="leader"} 1
sallyport_cluster_members{role="non-voter"} 0
sallyport_cluster_members{role="voter"} 2
# HELP sallyport_directory_server_up 1 while the server answers, 0 while it is marked down.
# TYPE sallyport_directory_server_up gauge
sallyport_directory_server_up{directory="corp",server="ldaps://dc1"} 1
sallyport_directory_server_up{directory="corp",server="ldaps://dc2"} 0
# HELP sallyport_radius_accounting_drops_total Accounting packets that were not answered, by reason.
# TYPE sallyport_radius_accounting_drops_total counter
sallyport_radius_accounting_drops_total{client="none",reason="unknown_client"} 6
sallyport_radius_accounting_drops_total{client="vpn",reason="not_recorded"} 5
# HELP sallyport_radius_accounting_records_total Accounting records that were made durable.
# TYPE sallyport_radius_accounting_records_total counter
sallyport_radius_accounting_records_total{client="vpn",status="interim-update"} 1
sallyport_radius_accounting_records_total{client="vpn",status="other"} 1
sallyport_radius_accounting_records_total{client="vpn",status="start"} 4
sallyport_radius_accounting_records_total{client="vpn",status="stop"} 3
# HELP sallyport_radius_drops_total Packets that were not answered, by reason.
# TYPE sallyport_radius_drops_total counter
sallyport_radius_drops_total{client="none",reason="unknown_client"} 8
sallyport_radius_drops_total{client="vpn",reason="queue_full"} 6
# HELP sallyport_radius_queue_oldest_seconds How long the oldest of the waiting packets has waited.
# TYPE sallyport_radius_queue_oldest_seconds gauge
sallyport_radius_queue_oldest_seconds 1.5
# HELP sallyport_radius_replies_total Replies by type, without repetitions.
# TYPE sallyport_radius_replies_total counter
sallyport_radius_replies_total{client="vpn",type="accept"} 4
sallyport_radius_replies_total{client="vpn",type="challenge"} 5
sallyport_radius_replies_total{client="vpn",type="reject"} 2
sallyport_radius_replies_total{client="vpn",type="status"} 1
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "sallyport_cluster_commits_total", "sallyport_cluster_member_last_contact_seconds",
		"sallyport_cluster_members", "sallyport_directory_server_up",
		"sallyport_radius_accounting_drops_total", "sallyport_radius_accounting_records_total",
		"sallyport_radius_drops_total", "sallyport_radius_queue_oldest_seconds", "sallyport_radius_replies_total")
	if err != nil {
		t.Error(err)
	}
}

func TestMetricsOfPartsPassTheLinterAndAreDocumented(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(partCollectors()...)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.Contains(string(page), "`"+f.GetName()+"`") {
			t.Errorf("docs/metrics.md does not explain %s", f.GetName())
		}
	}
}
