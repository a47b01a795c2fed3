package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sallyport/web/admin"
)

// membersWithin bounds how long a scrape waits for what the node knows of the others.
const membersWithin = time.Second

// membersOf asks for the members; those of a node that cannot tell are none.
func membersOf(ask func(context.Context) (admin.Members, error)) func() admin.Members {
	return func() admin.Members {
		ctx, cancel := context.WithTimeout(context.Background(), membersWithin)
		defer cancel()
		m, err := ask(ctx)
		if err != nil {
			return admin.Members{}
		}
		return m
	}
}

// memberCollectors read the cluster's nodes as this one sees them: in all, by role, one by one.
func memberCollectors(members func() admin.Members) []prometheus.Collector {
	type all = admin.Members
	type one = admin.Member
	return []prometheus.Collector{
		readings[all]{[]reading[all]{
			gauge("sallyport_cluster_quorum", "Voters that must be up.",
				func(m all) float64 { return float64(m.Quorum) }),
			gauge("sallyport_cluster_failure_tolerance", "Voters that may go down, of those that are up.",
				func(m all) float64 { return float64(m.FailureTolerance) }),
			gauge("sallyport_cluster_healthy", "1 while there is a leader and nothing is wrong with a node.",
				func(m all) float64 { return oneIf(m.Healthy) }),
			gauge("sallyport_cluster_level", "What all nodes agreed to understand.",
				func(m all) float64 { return float64(m.Level) }),
		}, func() []labelled[all] { return []labelled[all]{{counts: members()}} }},

		readings[int]{[]reading[int]{
			gauge("sallyport_cluster_members", "Nodes by role.",
				func(n int) float64 { return float64(n) }, "role"),
		}, func() []labelled[int] { return byRole(members()) }},

		readings[one]{[]reading[one]{
			gauge("sallyport_cluster_member_up", "1 while the node answers.",
				func(n one) float64 { return oneIf(n.Up) }, "node"),
			gauge("sallyport_cluster_member_lag", "Log entries that the node is behind.",
				func(n one) float64 { return float64(n.Lag) }, "node"),
			gauge("sallyport_cluster_member_last_contact_seconds", "How long ago the node last answered.",
				func(n one) float64 { return n.LastContactMS / 1000 }, "node"),
			gauge("sallyport_cluster_member_clock_offset_seconds", "By how much the node's clock is ahead of this one's.",
				func(n one) float64 { return n.ClockOffsetMS / 1000 }, "node"),
			gauge("sallyport_cluster_member_free_bytes", "What is free on the disk of the node's data directory.",
				func(n one) float64 { return float64(n.FreeBytes) }, "node"),
		}, func() (list []labelled[one]) {
			for _, n := range members().Nodes {
				list = append(list, labelled[one]{[]string{n.Name}, n})
			}
			return list
		}},
	}
}

func byRole(m admin.Members) (list []labelled[int]) {
	roles := map[string]int{admin.RoleLeader: 0, admin.RoleVoter: 0, admin.RoleNonVoter: 0, admin.RoleJoining: 0}
	for _, n := range m.Nodes {
		roles[n.Role]++
	}
	for role, n := range roles {
		list = append(list, labelled[int]{[]string{role}, n})
	}
	return list
}
