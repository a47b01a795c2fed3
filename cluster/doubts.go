package cluster

import "sync"

// doubts are which other nodes have had another state than this one at the same place of the log.
type doubts struct {
	mu  sync.Mutex
	all map[string]bool // by node: whether it agreed when it was last compared
}

// hear notes whether a node agrees, and reports whether that is news.
func (d *doubts) hear(name string, agrees bool) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]bool{}
	}
	before, known := d.all[name]
	d.all[name] = agrees
	return agrees != before || !known
}

// count returns how many of the members agreed with this node, itself included, and how many did not.
func (d *doubts) count(r roster) (agree, differ int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	agree = 1
	for name, agrees := range d.all {
		if _, member := r.find(name); !member {
			continue
		}
		if agrees {
			agree++
		} else {
			differ++
		}
	}
	return agree, differ
}
