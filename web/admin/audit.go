package admin

import (
	"context"
	"log/slog"
)

// audit writes the line of one administrative act: who did what to whom, and what came of it. It is
// written also for acts that failed, after they have.
func (s *Server) audit(ctx context.Context, act string, err error, facts ...slog.Attr) {
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	attrs := append([]slog.Attr{
		slog.String("event", "admin"), slog.String("act", act), slog.String("outcome", outcome),
		slog.Any("peer", peerFrom(ctx)),
	}, facts...)
	s.cfg.Audit.LogAttrs(ctx, slog.LevelInfo, "administrative act", attrs...)
}

// auditUser writes the line of an act on a user.
func (s *Server) auditUser(ctx context.Context, act string, err error, found match, facts ...slog.Attr) {
	s.audit(ctx, act, err, append(userFacts(found), facts...)...)
}

func userFacts(found match) []slog.Attr {
	return []slog.Attr{slog.String("user_id", found.id), slog.String("user", found.name)}
}
