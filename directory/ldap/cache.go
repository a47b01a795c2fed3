package ldap

import (
	"sync"
	"time"
)

// cache remembers entries for a while, by the name that was asked for and by id. It never holds a
// password. It is safe for concurrent use.
type cache struct {
	// life is how long an entry answers for a name, keep (at least life) how long for its id.
	life, keep time.Duration
	max        int
	now        func() time.Time

	mu     sync.Mutex
	byName map[string]*account
	byID   map[string]*account
	// queue holds what was put, oldest first: with one life for all it is also the order of expiry.
	queue []cached
}

type cached struct {
	name string
	a    *account
}

func newCache(life, keep time.Duration, size int, now func() time.Time) *cache {
	return &cache{life: life, keep: keep, max: size, now: now, byName: map[string]*account{}, byID: map[string]*account{}}
}

// name returns the account found for a name within the cache's life, or nil.
func (c *cache) name(name string) *account { return c.get(c.byName, name, c.life) }

// id returns the account with an id, as read within the time that ids are kept, or nil.
func (c *cache) id(id string) *account { return c.get(c.byID, id, c.keep) }

func (c *cache) get(from map[string]*account, key string, life time.Duration) *account {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := from[key]
	if a == nil || c.now().Sub(a.read) >= life {
		return nil
	}
	return a
}

// put remembers an account, by name too unless name is empty.
func (c *cache) put(name string, a *account) {
	if c.keep == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) > 0 && (len(c.queue) >= c.max || c.now().Sub(c.queue[0].a.read) >= c.keep) {
		c.remove(c.queue[0])
		c.queue[0] = cached{}
		c.queue = c.queue[1:]
	}
	if name != "" {
		c.byName[name] = a
	}
	c.byID[a.user.ID] = a
	c.queue = append(c.queue, cached{name, a})
}

// drop forgets an account that may have changed.
func (c *cache) drop(name string, a *account) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(cached{name, a})
}

// remove forgets the account where nothing newer has taken its place.
func (c *cache) remove(old cached) {
	if c.byName[old.name] == old.a {
		delete(c.byName, old.name)
	}
	if c.byID[old.a.user.ID] == old.a {
		delete(c.byID, old.a.user.ID)
	}
}

// len returns the number of remembered accounts.
func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID)
}
