package main

import (
	"context"
	"encoding/hex"
	"errors"

	"io"
	"net/http"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"sallyport/cluster"
	"sallyport/cluster/backup"
	"sallyport/factors/totp"
	"sallyport/web/admin"
)

// keeper is what backups need of the cluster. Satisfied by [cluster.Node].
type keeper interface {
	// The context of WriteSnapshot bounds the search for a leader, not the writing.
	WriteSnapshot(ctx context.Context, w io.Writer) (cluster.SnapshotInfo, error)
	Restore(ctx context.Context, state io.Reader) (cluster.SnapshotInfo, error)
}

// backups is the state as the administration backs it up and puts it back.
type backups struct {
	node keeper
	// key marks what this cluster made.
	key backup.Key
	// recipients are those of the configuration.
	recipients func() []string
	// folder has room for the state while it is on its way.
	folder string
	now    func() time.Time
}

var _ admin.Snapshots = backups{}

// newBackups returns the backups of a daemon.
func newBackups(d *daemon) (backups, error) {
	master, err := cluster.ParseMasterKey([]byte(d.started.Node.MasterKey.Reveal()))
	if err != nil {
		return backups{}, err
	}
	key, err := backup.KeyOf(master)
	return backups{
		node: d.state, key: key, folder: d.started.Node.DataDir, now: d.now,
		recipients: func() []string { return d.config.Load().Snapshot.Recipients },
	}, err
}

// Snapshot returns what a snapshot holds now.
func (b backups) Snapshot(ctx context.Context) (admin.SnapshotInfo, error) {
	info, err := b.write(ctx, io.Discard)
	return info, snapshotError(err)
}

// Backup writes the state to the disk first: whoever reads a backup slowly then holds up nobody, and
// what stands in front of it is known.
func (b backups) Backup(ctx context.Context, act admin.BackupAct, begin func(admin.Backup) error, w io.Writer) error {
	recipients, sealedTo, err := b.sealing(act)
	if err != nil {
		return &admin.Problem{Status: http.StatusUnprocessableEntity, Message: err.Error()}
	}
	s, err := newSpool(b.folder)
	if err != nil {
		return snapshotError(err)
	}
	defer s.Close()
	info, err := b.write(ctx, s)
	if err != nil {
		return snapshotError(err)
	}
	if err := begin(admin.Backup{SnapshotInfo: info, SealedTo: sealedTo}); err != nil {
		return err
	}
	return backup.Write(w, recipients, b.key, b.header(info), s.copyTo)
}

// contactWithin is how long a leader is asked for what is newer; without one the snapshot is stale.
const contactWithin = 3 * time.Second

func (b backups) write(ctx context.Context, w io.Writer) (admin.SnapshotInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, contactWithin)
	defer cancel()
	info, err := b.node.WriteSnapshot(ctx, w)
	return snapshotInfo(info), err
}

// sealing returns the recipients of a backup, and how they are shown.
func (b backups) sealing(act admin.BackupAct) ([]age.Recipient, []string, error) {
	if act.Passphrase != "" {
		r, err := backup.PassphraseRecipient(act.Passphrase)
		return []age.Recipient{r}, []string{}, err
	}
	texts := act.Recipients
	if len(texts) == 0 {
		texts = b.recipients()
	}
	if len(texts) == 0 {
		return nil, nil, errors.New("to whom is the backup sealed? give --recipient or --passphrase-file, or set recipients under [snapshot]")
	}
	recipients, err := backup.ParseRecipients(texts)
	return recipients, texts, err
}

// Restore verifies a backup on the disk, since nothing may be changed before all of it was read, and has
// the cluster take it over. From then on it goes through, even where the asker is gone.
func (b backups) Restore(ctx context.Context, plain io.Reader) (admin.SnapshotInfo, error) {
	c, err := backup.ParseOwn(plain, b.key)
	if err != nil {
		return admin.SnapshotInfo{}, snapshotError(err)
	}
	s, err := newSpool(b.folder)
	if err != nil {
		return admin.SnapshotInfo{}, snapshotError(err)
	}
	defer s.Close()
	if _, err := io.Copy(s, c); err != nil {
		return admin.SnapshotInfo{}, snapshotError(err)
	}
	var restored cluster.SnapshotInfo
	err = s.copyFrom(func(state io.Reader) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
		defer cancel()
		restored, err = b.node.Restore(ctx, state)
		return err
	})
	return snapshotInfo(restored), snapshotError(err)
}

// restoreWithin is how long the nodes may take for a restore of the largest state.
const restoreWithin = 10 * time.Minute

// replayFloors are the time steps up to which codes may have been accepted by now, from the telephone
// whose clock is furthest ahead. A restore counts them as used.
func replayFloors(now time.Time) map[string]uint64 {
	ahead := now.Add((totp.MaxDrift + totp.StepsAhead) * totp.TimeStep)
	return map[string]uint64{totp.Name: uint64(ahead.Unix() / int64(totp.TimeStep/time.Second))}
}

func (b backups) header(i admin.SnapshotInfo) backup.Header {
	return backup.Header{
		ClusterID: i.ClusterID, Epoch: i.Epoch, Level: i.Level, Node: i.Node, Made: b.now().UTC(), Version: programVersion(),
		Index: i.Index, Term: i.Term, LogTime: i.LogTime, Stale: i.Stale, Behind: i.Behind, Users: i.Users, KeyCheck: i.KeyCheck,
	}
}

func snapshotInfo(i cluster.SnapshotInfo) admin.SnapshotInfo {
	info := admin.SnapshotInfo{
		ClusterID: i.ClusterID, Epoch: i.Epoch, Level: i.Level, Node: i.Node, Index: i.Index, Term: i.Term, LogTime: i.LogTime,
		Users: i.Users, Stale: i.Stale, Behind: i.Behind, KeyCheck: hex.EncodeToString(i.KeyCheck),
	}
	if l := i.Losses; l != nil {
		info.Losses = &admin.Losses{
			Foreign: l.Foreign, Bypass: admin.Lost(l.Bypass), Invitations: admin.Lost(l.Invitations), Recovery: admin.Lost(l.Recovery),
			Windows: admin.Lost(l.Windows), Unregistered: admin.Lost(l.Unregistered), Older: admin.Lost(l.Older),
		}
	}
	return info
}

// snapshotError gives what an administrator can mend its words.
func snapshotError(err error) error {
	var refused *cluster.RefusedError
	for _, known := range []error{backup.ErrDamaged, backup.ErrVersion, backup.ErrForeign} {
		if errors.Is(err, known) {
			return &admin.Problem{Status: http.StatusUnprocessableEntity, Message: err.Error(), Hint: "nothing was changed"}
		}
	}
	switch {
	case errors.As(err, &refused):
		return &admin.Problem{Status: http.StatusConflict, Message: err.Error()}
	case errors.Is(err, unix.ENOSPC):
		return &admin.Problem{Status: http.StatusInsufficientStorage, Message: "there is not enough room in data_dir for the snapshot",
			Hint: "free as much as the state takes"}
	}
	return err
}
