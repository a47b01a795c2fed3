package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"sallyport/cluster/state"
)

// LearnedClient is an address from which a client has sent Message-Authenticator, so that a request
// without one is refused from then on.
type LearnedClient struct {
	Client  string
	Address netip.Addr
	Since   time.Time
}

// Learned reports whether the client has sent Message-Authenticator from this address. It reads
// memory only.
func (l *ledger) Learned(client string, addr netip.Addr) bool {
	b, size := addressOctets(addr)
	return size > 0 && l.machine.View().HasLearned(client, b[:size])
}

// Learn remembers that the client has sent Message-Authenticator from this address.
func (l *ledger) Learn(ctx context.Context, client string, addr netip.Addr) error {
	b, size := addressOctets(addr)
	if client == "" || size == 0 {
		return fmt.Errorf("learn client: %q at %q is no client", client, addr)
	}
	if _, err := l.submit(ctx, &state.Learn{Client: client, Address: b[:size]}); err != nil {
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

// LearnedAll lists everything that was learned, by client and address.
func (l *ledger) LearnedAll() []LearnedClient {
	var all []LearnedClient
	for _, e := range l.machine.View().Learned() {
		addr, _ := netip.AddrFromSlice(e.Address)
		all = append(all, LearnedClient{e.Client, addr, instant(e.Since)})
	}
	slices.SortFunc(all, func(a, b LearnedClient) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), a.Address.Compare(b.Address))
	})
	return all
}

// addressOctets returns the 4 or 16 octets of an address without its zone; none when it is invalid.
func addressOctets(addr netip.Addr) (b [16]byte, size int) {
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
