package radius

import "sync/atomic"

// accountingCounts are the counters of one client for accounting, and its allowance of Status-Server
// there. Logins have their own.
type accountingCounts struct {
	requests  atomic.Uint64
	repeats   atomic.Uint64
	responses atomic.Uint64
	starts    atomic.Uint64
	stops     atomic.Uint64
	interims  atomic.Uint64
	others    atomic.Uint64
	drops     events
	// status is made by the tally.
	status *statusLimits
}

func (c *accountingCounts) recorded(status string) {
	switch status {
	case "Start":
		c.starts.Add(1)
	case "Stop":
		c.stops.Add(1)
	case "Interim-Update":
		c.interims.Add(1)
	default:
		c.others.Add(1)
	}
}

// AccountingStats are the counts of one client since the start.
type AccountingStats struct {
	// Requests are the authentic packets, repeats included; Repeats those whose record had come before;
	// Responses the answers, also to repeats and to Status-Server.
	Requests  uint64 `json:"requests"`
	Repeats   uint64 `json:"repeats"`
	Responses uint64 `json:"responses"`
	// Records made durable, by Acct-Status-Type; Others has Accounting-On and -Off too.
	Starts   uint64            `json:"starts"`
	Stops    uint64            `json:"stops"`
	Interims uint64            `json:"interims"`
	Others   uint64            `json:"others"`
	Dropped  map[Reason]uint64 `json:"dropped"`
}

func (c *accountingCounts) stats() AccountingStats {
	return AccountingStats{
		Requests: c.requests.Load(), Repeats: c.repeats.Load(), Responses: c.responses.Load(),
		Starts: c.starts.Load(), Stops: c.stops.Load(), Interims: c.interims.Load(), Others: c.others.Load(),
		Dropped: c.drops.snapshot(),
	}
}
