package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"sallyport/audit"
	"sallyport/cluster"
	"sallyport/cmd/sallyport/internal/logwriter"
	"sallyport/directory/ldap"
	"sallyport/radius"
)

// stranger is the client label of packets that no client has sent.
const stranger = "none"

// logCollector reads the log's writer.
func logCollector(stats func() logwriter.Stats) prometheus.Collector {
	return readings[logwriter.Stats]{[]reading[logwriter.Stats]{
		counter("sallyport_log_lost_lines_total", "Log lines that were lost because nobody read the log.",
			func(s logwriter.Stats) float64 { return float64(s.Lost) }),
		counter("sallyport_log_failed_writes_total", "Writes of log lines that failed.",
			func(s logwriter.Stats) float64 { return float64(s.Failed) }),
		gauge("sallyport_log_waiting_bytes", "Log lines that wait for whoever reads the log.",
			func(s logwriter.Stats) float64 { return float64(s.Waiting) }),
		gauge("sallyport_log_stalled_seconds", "How long nobody has read the log, 0 while somebody does.",
			func(s logwriter.Stats) float64 { return s.Stalled.Seconds() }),
	}, func() []labelled[logwriter.Stats] { return []labelled[logwriter.Stats]{{counts: stats()}} }}
}

// radiusCollectors read the RADIUS server: as a whole, by client, by client and type of reply, by
// client and reason of a drop.
func radiusCollectors(stats func() radius.Stats) []prometheus.Collector {
	type server = radius.Stats
	type client = radius.ClientStats
	return []prometheus.Collector{
		readings[server]{[]reading[server]{
			gauge("sallyport_radius_queue_length", "Packets that wait for a worker.",
				func(s server) float64 { return float64(s.Queued) }),
			gauge("sallyport_radius_queue_oldest_seconds", "How long the oldest of the waiting packets has waited.",
				func(s server) float64 { return s.OldestWait.Seconds() }),
			gauge("sallyport_radius_in_flight", "Packets that a worker has.",
				func(s server) float64 { return float64(s.InFlight) }),
			gauge("sallyport_radius_delayed_rejects", "Rejects that wait for the reject delay to pass.",
				func(s server) float64 { return float64(s.Delayed) }),
			gauge("sallyport_radius_duplicate_cache_entries", "Requests that are remembered for their duplicates.",
				func(s server) float64 { return float64(s.Cached) }),
			gauge("sallyport_radius_duplicate_cache_bytes", "What the replies take that are kept for duplicates.",
				func(s server) float64 { return float64(s.CachedBytes) }),
			gauge("sallyport_radius_judged_packets", "Answered packets that are remembered, so that they are not judged again.",
				func(s server) float64 { return float64(s.Judged) }),
		}, func() []labelled[server] { return []labelled[server]{{counts: stats()}} }},

		readings[client]{[]reading[client]{
			counter("sallyport_radius_requests_total", "Authentic packets, duplicates included.",
				func(c client) float64 { return float64(c.Requests) }, "client"),
			counter("sallyport_radius_duplicates_total", "Packets that had come before.",
				func(c client) float64 { return float64(c.Duplicates) }, "client"),
			counter("sallyport_radius_oversized_replies_total", "Replies above 1024 octets, which some clients drop.",
				func(c client) float64 { return float64(c.Oversized) }, "client"),
			counter("sallyport_radius_unsigned_tolerated_total", "Requests without Message-Authenticator that were taken although the client sends it elsewhere.",
				func(c client) float64 { return float64(c.Tolerated) }, "client"),
			counter("sallyport_radius_unreadable_passwords_total", "Requests without Message-Authenticator whose password cannot be one: the shared secrets may differ.",
				func(c client) float64 { return float64(c.Unreadable) }, "client"),
			counter("sallyport_radius_judged_forgotten_total", "Answered packets that were forgotten before an hour was over, for want of room.",
				func(c client) float64 { return float64(c.Forgotten) }, "client"),
		}, func() []labelled[client] { return byClient(stats()) }},

		readings[uint64]{[]reading[uint64]{
			counter("sallyport_radius_replies_total", "Replies by type, without repetitions.",
				func(n uint64) float64 { return float64(n) }, "client", "type"),
		}, func() []labelled[uint64] { return replies(stats()) }},

		readings[uint64]{[]reading[uint64]{
			counter("sallyport_radius_drops_total", "Packets that were not answered, by reason.",
				func(n uint64) float64 { return float64(n) }, "client", "reason"),
		}, func() []labelled[uint64] { s := stats(); return drops(s.Strangers, droppedLogins(s)) }},

		readings[server]{[]reading[server]{
			gauge("sallyport_radius_accounting_queue_length", "Accounting packets that wait for a worker.",
				func(s server) float64 { return float64(s.AccountingQueued) }),
			gauge("sallyport_radius_accounting_in_flight", "Accounting packets whose record is on its way to the disk.",
				func(s server) float64 { return float64(s.AccountingInFlight) }),
			gauge("sallyport_radius_accounting_remembered", "Accounting records that are remembered for their repeats.",
				func(s server) float64 { return float64(s.AccountingRemembered) }),
		}, func() []labelled[server] { return []labelled[server]{{counts: stats()}} }},

		readings[radius.AccountingStats]{[]reading[radius.AccountingStats]{
			counter("sallyport_radius_accounting_requests_total", "Authentic accounting packets, repeats included.",
				func(a radius.AccountingStats) float64 { return float64(a.Requests) }, "client"),
			counter("sallyport_radius_accounting_repeats_total", "Accounting packets whose record had come before.",
				func(a radius.AccountingStats) float64 { return float64(a.Repeats) }, "client"),
			counter("sallyport_radius_accounting_responses_total", "Answers to accounting packets, also to repeats and to Status-Server.",
				func(a radius.AccountingStats) float64 { return float64(a.Responses) }, "client"),
		}, func() (list []labelled[radius.AccountingStats]) {
			for name, a := range stats().Accounting {
				list = append(list, labelled[radius.AccountingStats]{[]string{name}, a})
			}
			return list
		}},

		readings[uint64]{[]reading[uint64]{
			counter("sallyport_radius_accounting_records_total", "Accounting records that were made durable.",
				func(n uint64) float64 { return float64(n) }, "client", "status"),
		}, func() (list []labelled[uint64]) {
			for name, a := range stats().Accounting {
				list = append(list,
					labelled[uint64]{[]string{name, "start"}, a.Starts},
					labelled[uint64]{[]string{name, "stop"}, a.Stops},
					labelled[uint64]{[]string{name, "interim-update"}, a.Interims},
					labelled[uint64]{[]string{name, "other"}, a.Others})
			}
			return list
		}},

		readings[uint64]{[]reading[uint64]{
			counter("sallyport_radius_accounting_drops_total", "Accounting packets that were not answered, by reason.",
				func(n uint64) float64 { return float64(n) }, "client", "reason"),
		}, func() []labelled[uint64] { s := stats(); return drops(s.AccountingStrangers, droppedAccounting(s)) }},
	}
}

func byClient(s radius.Stats) (list []labelled[radius.ClientStats]) {
	for name, c := range s.Clients {
		list = append(list, labelled[radius.ClientStats]{[]string{name}, c})
	}
	return list
}

func replies(s radius.Stats) (list []labelled[uint64]) {
	for name, c := range s.Clients {
		list = append(list,
			labelled[uint64]{[]string{name, "accept"}, c.Accepts},
			labelled[uint64]{[]string{name, "reject"}, c.Rejects},
			labelled[uint64]{[]string{name, "challenge"}, c.Challenges},
			labelled[uint64]{[]string{name, "status"}, c.Statuses})
	}
	return list
}

// drops are counts by client and reason, those of strangers included.
func drops(strangers map[radius.Reason]uint64, clients map[string]map[radius.Reason]uint64) (list []labelled[uint64]) {
	for name, dropped := range clients {
		for reason, n := range dropped {
			list = append(list, labelled[uint64]{[]string{name, string(reason)}, n})
		}
	}
	for reason, n := range strangers {
		list = append(list, labelled[uint64]{[]string{stranger, string(reason)}, n})
	}
	return list
}

func droppedLogins(s radius.Stats) map[string]map[radius.Reason]uint64 {
	clients := make(map[string]map[radius.Reason]uint64)
	for name, c := range s.Clients {
		clients[name] = c.Dropped
	}
	return clients
}

func droppedAccounting(s radius.Stats) map[string]map[radius.Reason]uint64 {
	clients := make(map[string]map[radius.Reason]uint64)
	for name, a := range s.Accounting {
		clients[name] = a.Dropped
	}
	return clients
}

// auditCollector reads the audit store.
func auditCollector(stats func() audit.Stats) prometheus.Collector {
	type s = audit.Stats
	return readings[s]{[]reading[s]{
		counter("sallyport_audit_records_total", "Events that were made durable.",
			func(a s) float64 { return float64(a.Records) }),
		counter("sallyport_audit_batches_total", "Writes that carried these events, one disk flush each.",
			func(a s) float64 { return float64(a.Batches) }),
		counter("sallyport_audit_failures_total", "Events that were not made durable.",
			func(a s) float64 { return float64(a.Failed) }),
		gauge("sallyport_audit_waiting", "Events that wait for the disk.",
			func(a s) float64 { return float64(a.Waiting) }),
		gauge("sallyport_audit_segments", "Files of the audit store.",
			func(a s) float64 { return float64(a.Segments) }),
		gauge("sallyport_audit_bytes", "What the files of the audit store take.",
			func(a s) float64 { return float64(a.Bytes) }),
		counter("sallyport_audit_segments_removed_total", "Files of the audit store that made room.",
			func(a s) float64 { return float64(a.Removed) }),
	}, func() []labelled[s] { return []labelled[s]{{counts: stats()}} }}
}

// clusterCollector reads the replicated state.
func clusterCollector(stats func() cluster.Stats) prometheus.Collector {
	type s = cluster.Stats
	return readings[s]{[]reading[s]{
		counter("sallyport_cluster_commits_total", "Commands that were committed here.",
			func(c s) float64 { return float64(c.Commits) }),
		counter("sallyport_cluster_batches_total", "Log entries that carried these commands, one disk flush each.",
			func(c s) float64 { return float64(c.Batches) }),
		counter("sallyport_cluster_retries_total", "Proposals made again because their outcome was not known.",
			func(c s) float64 { return float64(c.Retried) }),
		counter("sallyport_cluster_forwarded_total", "Commands that the leader committed for this node.",
			func(c s) float64 { return float64(c.Relayed) }),
		counter("sallyport_cluster_leader_changes_total", "How often another node began to lead, as seen from here.",
			func(c s) float64 { return float64(c.LeaderChanges) }),
		counter("sallyport_cluster_failures_total", "Commands that ended without a result.",
			func(c s) float64 { return float64(c.Failed) }),
		counter("sallyport_cluster_applied_total", "Commands that the state machine saw.",
			func(c s) float64 { return float64(c.Applied) }),
		counter("sallyport_cluster_ignored_total", "Commands that the state machine did not understand.",
			func(c s) float64 { return float64(c.Ignored) }),
		counter("sallyport_cluster_hangs_total", "Writes to the log store that took too long.",
			func(c s) float64 { return float64(c.Hangs) }),
		counter("sallyport_cluster_snapshots_total", "Snapshots that were taken.",
			func(c s) float64 { return float64(c.Snapshots) }),
		gauge("sallyport_cluster_queue_length", "Commands that wait for the batch in flight.",
			func(c s) float64 { return float64(c.Queued) }),
		gauge("sallyport_cluster_verdicts", "Verdicts that are remembered.",
			func(c s) float64 { return float64(c.Verdicts) }),
		gauge("sallyport_cluster_challenges", "Challenges that are remembered.",
			func(c s) float64 { return float64(c.Challenges) }),
		gauge("sallyport_cluster_challenge_capacity", "Challenges that may be remembered; beyond, logins are shed. 0 is no bound.",
			func(c s) float64 { return float64(c.Capacity) }),
	}, func() []labelled[s] { return []labelled[s]{{counts: stats()}} }}
}

// directoryCollector reads the LDAP directories.
func directoryCollector(stats func() map[string]ldap.Stats) prometheus.Collector {
	type s = ldap.Stats
	const label = "directory"
	return readings[s]{[]reading[s]{
		counter("sallyport_directory_binds_total", "Password checks.",
			func(d s) float64 { return float64(d.Binds) }, label),
		counter("sallyport_directory_searches_total", "Searches.",
			func(d s) float64 { return float64(d.Searches) }, label),
		counter("sallyport_directory_cache_hits_total", "Names that were answered from memory.",
			func(d s) float64 { return float64(d.Cached) }, label),
		counter("sallyport_directory_failovers_total", "Questions that were put to a second server.",
			func(d s) float64 { return float64(d.Failovers) }, label),
		gauge("sallyport_directory_in_flight", "Questions that are being asked.",
			func(d s) float64 { return float64(d.InFlight) }, label),
		gauge("sallyport_directory_waiting", "Questions that wait for their turn.",
			func(d s) float64 { return float64(d.Waiting) }, label),
		gauge("sallyport_directory_cached_entries", "Entries that are remembered.",
			func(d s) float64 { return float64(d.Entries) }, label),
	}, func() (list []labelled[s]) {
		for name, d := range stats() {
			list = append(list, labelled[s]{[]string{name}, d})
		}
		return list
	}}
}

// serverCollector reads the servers of the LDAP directories.
func serverCollector(stats func() map[string]ldap.Stats) prometheus.Collector {
	type s = ldap.ServerStats
	labels := []string{"directory", "server"}
	return readings[s]{[]reading[s]{
		gauge("sallyport_directory_server_up", "1 while the server answers, 0 while it is marked down.",
			func(d s) float64 { return oneIf(d.Up) }, labels...),
		gauge("sallyport_directory_server_in_flight", "Questions that the server is being asked.",
			func(d s) float64 { return float64(d.InFlight) }, labels...),
		counter("sallyport_directory_server_questions_total", "Questions that the server was asked.",
			func(d s) float64 { return float64(d.Asked) }, labels...),
		counter("sallyport_directory_server_failures_total", "Questions that the server did not answer.",
			func(d s) float64 { return float64(d.Failed) }, labels...),
	}, func() (list []labelled[s]) {
		for name, d := range stats() {
			for _, server := range d.Servers {
				list = append(list, labelled[s]{[]string{name, server.URL}, server})
			}
		}
		return list
	}}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
