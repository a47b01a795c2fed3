package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) listClients(ctx context.Context, _ *http.Request) (any, error) {
	clients, err := s.sortedClients(ctx)
	if err != nil {
		return nil, err
	}
	return ClientList{Clients: clients, Now: s.cfg.Now()}, nil
}

func (s *Server) sortedClients(ctx context.Context) ([]Client, error) {
	clients, err := s.cfg.Clients.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	slices.SortFunc(clients, func(a, b Client) int { return strings.Compare(a.Name, b.Name) })
	return clients, nil
}

// forgetClient refuses names that nothing is known of, since a typing error would otherwise look
// like success.
func (s *Server) forgetClient(ctx context.Context, r *http.Request) (any, error) {
	act, err := decode[ClientAct](r)
	if err != nil {
		return nil, err
	}
	clients, err := s.sortedClients(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(clients, func(c Client) bool { return c.Name == act.Client }) {
		return nil, &Problem{http.StatusNotFound, fmt.Sprintf("no client is named %q", act.Client),
			`"sallyport client list" shows them`}
	}
	n, err := s.cfg.Clients.Forget(ctx, act.Client)
	s.audit(ctx, "client forget", err, slog.String("client", act.Client), slog.Int("addresses", n))
	if err != nil {
		return nil, fmt.Errorf("forget client: %w", err)
	}
	return Forgotten{Addresses: n}, nil
}
