package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"sallyport/directory/ldap"
)

// partMetrics returns what the daemon's parts count themselves, to be read when somebody asks. The
// parts must run.
func (d *daemon) partMetrics() []prometheus.Collector {
	all := append(radiusCollectors(d.radius.Stats), clusterCollector(d.state.Stats),
		directoryCollector(d.logins.ldapStats), serverCollector(d.logins.ldapStats))
	all = append(all, memberCollectors(membersOf(clusterBook{d.state}.Members))...)
	all = append(all, auditCollector(d.events.Stats))
	return append(all, factorCollectors(d.logins.factorStats)...)
}

// ldapStats returns the counts of the directories that ask servers.
func (l *logins) ldapStats() map[string]ldap.Stats {
	stats := make(map[string]ldap.Stats)
	for name, d := range l.current.Load().directories {
		if counting, ok := d.Directory.(interface{ Stats() ldap.Stats }); ok {
			stats[name] = counting.Stats()
		}
	}
	return stats
}
