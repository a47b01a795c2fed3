package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
)

// Snapshots is what the API needs to back the cluster's state up, and to put it back. What an
// administrator asks and cannot have is a [*Problem]; other errors are [login.ErrUnavailable], wrapped,
// where a leader is needed and there is none.
type Snapshots interface {
	// Snapshot returns what a snapshot holds now; no leader is needed.
	Snapshot(ctx context.Context) (SnapshotInfo, error)
	// Backup makes a backup, sealed as act says; no leader is needed. It tells begin what the backup
	// holds, and then writes it to w. What was written before an error does not open.
	Backup(ctx context.Context, act BackupAct, begin func(Backup) error, w io.Writer) error
	// Restore puts the state of a backup, which it reads without its encryption, in the place of the
	// cluster's, and returns what that holds then. Nothing is changed before all of it was read and
	// found to be whole and this cluster's.
	Restore(ctx context.Context, plain io.Reader) (SnapshotInfo, error)
}

func (s *Server) showSnapshot(ctx context.Context, _ *http.Request) (any, error) {
	return s.cfg.Snapshots.Snapshot(ctx)
}

// makeBackup answers with the backup itself, as it is made.
func (s *Server) makeBackup(ctx context.Context, x *exchange) (any, error) {
	act, err := decode[BackupAct](x.request)
	if err != nil {
		return nil, err
	}
	var made Backup
	err = s.cfg.Snapshots.Backup(ctx, act, func(b Backup) error {
		made = b
		return x.introduce(b)
	}, x)
	s.audit(ctx, "snapshot save", err, slog.Any("recipients", made.SealedTo), slog.Bool("passphrase", act.Passphrase != ""),
		slog.Uint64("index", made.Index), slog.Int("users", made.Users), slog.Bool("stale", made.Stale))
	if err != nil {
		return nil, fmt.Errorf("make backup: %w", err)
	}
	return nil, nil
}

// introduce writes the header of an answer that is a backup.
func (x *exchange) introduce(b Backup) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	x.answer.Header().Set("Content-Type", "application/octet-stream")
	x.answer.Header().Set(backupHeader, string(text))
	return nil
}

// fact is what the audit says of it.
func (l Lost) fact(key string) slog.Attr {
	return slog.Group(key, slog.Int("count", l.Count), slog.Any("of", l.Of), slog.Bool("more", l.More))
}

func (s *Server) restoreBackup(ctx context.Context, x *exchange) (any, error) {
	restored, err := s.cfg.Snapshots.Restore(ctx, x)
	facts := []slog.Attr{
		slog.String("cluster_id", restored.ClusterID), slog.Uint64("epoch", uint64(restored.Epoch)),
		slog.Uint64("index", restored.Index), slog.Int("users", restored.Users),
	}
	if l := restored.Losses; l != nil {
		facts = append(facts, slog.Bool("foreign", l.Foreign), l.Bypass.fact("void_bypass"), l.Invitations.fact("void_invitations"),
			l.Recovery.fact("void_recovery"), l.Windows.fact("void_windows"), l.Unregistered.fact("unregistered"), l.Older.fact("older"))
	}
	s.audit(ctx, "snapshot restore", err, facts...)
	if err != nil {
		return nil, fmt.Errorf("restore backup: %w", err)
	}
	return restored, nil
}
