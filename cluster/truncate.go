package cluster

import "github.com/hashicorp/raft"

// truncateStep is how many entries are removed from the log at once. No entry is stored meanwhile, and
// after a minute of logins there are tens of thousands to remove: at once, 60,000 of them would hold up
// every commit for 0.2 to 1 s, and at full load for so long that the log store seems to hang.
const truncateStep = 512

// steppedLogs is a log store that removes entries in steps, between which others are stored.
type steppedLogs struct{ raft.LogStore }

// DeleteRange removes the entries from first to last. What each step leaves has no gap: the oldest go
// first, or the newest when older ones than first stay.
func (s steppedLogs) DeleteRange(first, last uint64) error {
	oldest, err := s.FirstIndex()
	if err != nil {
		return err
	}
	for first <= last && last-first >= truncateStep {
		from := first
		if first > oldest {
			from = last - truncateStep + 1
			last = from - 1
		} else {
			first += truncateStep
			oldest = first
		}
		if err := s.LogStore.DeleteRange(from, from+truncateStep-1); err != nil {
			return err
		}
	}
	return s.LogStore.DeleteRange(first, last)
}
