package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// LearnedClient is that requests of a client come from an address, with Message-Authenticator or, where
// Unsigned, without one. While a client signs from any address, none that is new may come without.
type LearnedClient struct {
	Client      string
	Address     netip.Addr
	Since, Seen time.Time
	Unsigned    bool
}

// Learned reports whether the client is known to send Message-Authenticator: from any address, or, while
// there are nodes of an earlier release, from this one. It reads memory only.
func (l *ledger) Learned(client string, addr netip.Addr) bool {
	b, size := addressBytes(addr)
	return size > 0 && l.machine.View().Learned(client, b[:size], l.Now().UnixNano())
}

// Sighted returns what is remembered of the client's requests from this address, with
// Message-Authenticator and without.
func (l *ledger) Sighted(client string, addr netip.Addr) (signed, unsigned login.Sighting) {
	b, size := addressBytes(addr)
	v, now := l.machine.View(), l.Now().UnixNano()
	return sightingOf(v.Sighting(client, b[:size], false, now)), sightingOf(v.Sighting(client, b[:size], true, now))
}

func sightingOf(l *state.Learned) (s login.Sighting) {
	if l == nil {
		return s
	}
	s.Since, s.Seen = instant(l.Since), instant(l.Seen)
	for b := l.Senders; len(b) >= len(login.SenderTag{}); b = b[len(login.SenderTag{}):] {
		s.Senders = append(s.Senders, login.SenderTag(b))
	}
	return s
}

// Learn remembers a lesson. While there are nodes of an earlier release, who keep no more than that an
// address signs, it remembers nothing else.
func (l *ledger) Learn(ctx context.Context, one login.Lesson) error {
	b, size := addressBytes(one.Address)
	if one.Client == "" || size == 0 {
		return fmt.Errorf("learn client: %q at %q is no client", one.Client, one.Address)
	}
	if v := l.machine.View(); !v.SignersByClient() && (one.Unsigned || l.Learned(one.Client, one.Address)) {
		return nil
	}
	c := &state.Learn{Client: one.Client, Address: b[:size], Sender: one.Sender, Unsigned: one.Unsigned}
	if _, err := l.submit(ctx, c); err != nil {
		return fmt.Errorf("learn client: %w", err)
	}
	return nil
}

// Forget removes what was learned about the client and returns how many addresses that were.
func (l *ledger) Forget(ctx context.Context, client string) (int, error) {
	r, err := l.submit(ctx, &state.Forget{Client: client, Act: newAct()})
	if err != nil {
		return 0, fmt.Errorf("forget client: %w", err)
	}
	return r.Count, nil
}

// LearnedAll lists everything that was learned and still counts, by client and address.
func (l *ledger) LearnedAll() []LearnedClient {
	var all []LearnedClient
	for _, e := range l.machine.View().LearnedAll(l.Now().UnixNano()) {
		addr, _ := netip.AddrFromSlice(e.Address)
		all = append(all, LearnedClient{e.Client, addr, instant(e.Since), instant(e.Seen), e.Unsigned})
	}
	slices.SortStableFunc(all, func(a, b LearnedClient) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), a.Address.Compare(b.Address))
	})
	return all
}

// addressBytes returns the 4 or 16 bytes of an address without its zone; none when it is invalid.
func addressBytes(addr netip.Addr) (b [16]byte, size int) {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		a := addr.As4()
		return b, copy(b[:], a[:])
	case addr.Is6():
		return addr.As16(), 16
	}
	return b, 0
}
