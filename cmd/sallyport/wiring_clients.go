package main

import (
	"context"
	"maps"
	"slices"

	"sallyport/web/admin"
)

// clientBook shows the administration the RADIUS clients: what is configured, and what the state
// remembers about them.
type clientBook struct{ *daemon }

var _ admin.Clients = clientBook{}

// Clients lists the clients by name.
func (b clientBook) Clients(context.Context) ([]admin.Client, error) {
	clients := map[string]*admin.Client{}
	for _, c := range b.config.Load().Clients {
		clients[c.Name] = &admin.Client{
			Name: c.Name, Addresses: c.Address, Policy: c.Policy,
			MessageAuthenticator: c.MessageAuthenticator, Configured: true, Learned: []admin.Learned{},
		}
	}
	for _, l := range b.state.LearnedAll() {
		c := clients[l.Client]
		if c == nil {
			c = &admin.Client{Name: l.Client, Addresses: []string{}}
			clients[l.Client] = c
		}
		c.Learned = append(c.Learned, admin.Learned{Address: l.Address, Since: l.Since, Seen: l.Seen, Unsigned: l.Unsigned})
	}
	var list []admin.Client
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		list = append(list, *clients[name])
	}
	return list, nil
}

// Forget forgets from which addresses a client has sent a Message-Authenticator, and from which none.
func (b clientBook) Forget(ctx context.Context, name string) (int, error) {
	return b.state.Forget(ctx, name)
}
