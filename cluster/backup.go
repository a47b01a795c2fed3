package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"sallyport/cluster/state"
	"sallyport/login"
)

// callRestore streams a state to the leader.
const callRestore = "restore"

// restoreTimeout bounds a restore, from the first octet to the last follower.
const restoreTimeout = 10 * time.Minute

// SnapshotInfo says what a snapshot is of.
type SnapshotInfo struct {
	ClusterID string    `json:"cluster_id"`
	Epoch     uint32    `json:"epoch"`
	Level     uint32    `json:"level"`
	Node      string    `json:"node"`
	Index     uint64    `json:"index"`
	Term      uint64    `json:"term"`
	LogTime   time.Time `json:"log_time"`
	Users     int       `json:"users"`
	// Stale means that this node was not in contact with a leader, Behind how many entries it knew of
	// that it had not applied.
	Stale  bool   `json:"stale"`
	Behind uint64 `json:"behind"`
	// KeyCheck recognises the master key that the secrets are sealed under.
	KeyCheck []byte `json:"key_check"`
	// Losses are what a restore has made void; nil where there was none.
	Losses *state.Losses `json:"losses,omitempty"`
}

// WriteSnapshot writes the state as it is now on this node, also without a quorum. Its secrets are
// sealed under the master key.
func (n *Node) WriteSnapshot(ctx context.Context, w io.Writer) (SnapshotInfo, error) {
	stale := n.Refresh(ctx) != nil
	view := n.machine.View()
	info := n.infoOf(view)
	info.Stale = stale
	if r := n.raft.Load(); r != nil {
		info.Term = r.CurrentTerm()
		if last := r.LastIndex(); stale && last > view.Index() {
			info.Behind = last - view.Index()
		}
	}
	if err := view.WriteSnapshot(newPacedWriter(w)); err != nil {
		return info, fmt.Errorf("write snapshot: %w", err)
	}
	return info, nil
}

func (n *Node) infoOf(view state.View) SnapshotInfo {
	meta := view.Meta()
	return SnapshotInfo{
		ClusterID: meta.ClusterID, Epoch: meta.Epoch, Level: view.Level(), Node: n.config.Name,
		Index: view.Index(), LogTime: instant(view.Time()), Users: view.Sizes().Users, KeyCheck: meta.Check,
	}
}

// Restore puts the people of a snapshot, as [Node.WriteSnapshot] has written it, in place of those that
// the cluster has, on all nodes. The cluster begins a new epoch: what was pending ends, every code up to
// now counts as used, and of each lock and counter the stricter stays. [RefusedError] says why nothing
// was changed.
func (n *Node) Restore(ctx context.Context, r io.Reader) (SnapshotInfo, error) {
	current := n.raft.Load()
	if current == nil {
		return SnapshotInfo{}, fmt.Errorf("%w: %w", login.ErrUnavailable, errNoLeader)
	}
	if current.State() == raft.Leader {
		return n.restoreHere(ctx, current, r)
	}
	_, id := current.LeaderWithID()
	leader, ok := n.known().find(string(id))
	p, ported := n.net.(*port)
	if !ok || !ported {
		return SnapshotInfo{}, fmt.Errorf("%w: %w", login.ErrUnavailable, errNoLeader)
	}
	answer, err := p.stream(ctx, leader, callRestore, r)
	if err != nil {
		return SnapshotInfo{}, asRefused(err)
	}
	defer answer.Close()
	var info SnapshotInfo
	if err := json.NewDecoder(io.LimitReader(answer, maxCall)).Decode(&info); err != nil {
		return info, fmt.Errorf("the outcome of the restore is not known: %w", err)
	}
	return info, nil
}

func (n *Node) serveRestore(w http.ResponseWriter, r *http.Request) {
	current := n.raft.Load()
	if current == nil || current.State() != raft.Leader {
		answerError(w, errNotLeading)
		return
	}
	info, err := n.restoreHere(r.Context(), current, r.Body)
	if err != nil {
		answerError(w, err)
		return
	}
	_ = json.NewEncoder(w).Encode(info) // a caller that has gone is told nothing
}

func (n *Node) restoreHere(ctx context.Context, r *raft.Raft, text io.Reader) (SnapshotInfo, error) {
	if err := n.Refresh(ctx); err != nil {
		return SnapshotInfo{}, err
	}
	backup := state.New()
	if err := backup.Restore(text); err != nil {
		return SnapshotInfo{}, &RefusedError{fmt.Sprintf("the snapshot cannot be read, and nothing was changed: %v", err)}
	}
	if !bytes.Equal(backup.View().Meta().Check, n.machine.View().Meta().Check) {
		return SnapshotInfo{}, &RefusedError{"the snapshot was sealed under another master key, and nothing was changed: a cluster with that key can restore it"}
	}
	merged, losses, err := n.replace(r, backup.View())
	if err != nil {
		return SnapshotInfo{}, err
	}
	n.logger.Warn("a backup was restored", "users", merged.Sizes().Users, "epoch", merged.Meta().Epoch, "foreign", losses.Foreign)
	info := n.infoOf(merged)
	info.Losses = &losses
	return info, nil
}

// replace puts a backup in place of the state. Nothing is committed meanwhile.
func (n *Node) replace(r *raft.Raft, backup state.View) (state.View, state.Losses, error) {
	n.restoring.Lock()
	defer n.restoring.Unlock()
	term := r.CurrentTerm()
	if n.served.Load() != term {
		return state.View{}, state.Losses{}, fmt.Errorf("%w: %w", login.ErrUnavailable, errNotLeading)
	}
	merged, losses, err := n.merge(backup, n.machine.View())
	if err != nil {
		return merged, losses, &RefusedError{fmt.Sprintf("the snapshot does not fit, and nothing was changed: %v", err)}
	}
	if r.CurrentTerm() != term {
		return merged, losses, fmt.Errorf("%w: %w", login.ErrUnavailable, errNotLeading)
	}
	return merged, losses, n.install(r, merged)
}

// merge makes of a backup, and of what the cluster is now, what the cluster is to be. Codes up to now count
// as used, or up to the time of the backup where that is later: a new cluster's clock may be behind.
func (n *Node) merge(backup, current state.View) (state.View, state.Losses, error) {
	key, err := n.newStateKey(nextKeyID(current))
	if err != nil {
		return state.View{}, state.Losses{}, err
	}
	now := n.Now()
	if then := instant(backup.Time()); then.After(now) {
		now = then
	}
	return state.Merge(backup, current, state.Merging{Key: key, Floors: n.config.floors(now), Reseal: n.sealer.reseal})
}

// install gives the state to raft as a snapshot, which it hands to every node.
func (n *Node) install(r *raft.Raft, v state.View) (err error) {
	f, err := os.CreateTemp(n.config.DataDir, "restore-*")
	if err != nil {
		return fmt.Errorf("prepare the restore: %w", err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // nothing is left of it, whatever happens
		return fmt.Errorf("prepare the restore: %w", err)
	}
	if err := v.WriteSnapshot(f); err != nil {
		return fmt.Errorf("prepare the restore: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("prepare the restore: %w", err)
	}
	// From here on, until the others have it too, this node is ahead of them: should it die, they go on
	// without what it has.
	if n.known().voters() > 1 {
		n.memory.restoring(true)
		if err := n.memory.beat(n.config.Now()); err != nil {
			return fmt.Errorf("prepare the restore: %w", err)
		}
		defer func() {
			if err == nil {
				n.memory.restoring(false)
				err = n.memory.beat(n.config.Now())
			}
		}()
	}
	if err := r.Restore(&raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Size: size}, f, restoreTimeout); err != nil {
		return fmt.Errorf("restore: %w: look at the number of users, and restore again where it is not done", errors.Join(login.ErrUnavailable, err))
	}
	return nil
}

// floors are the numbers that count as used from now on.
func (c Config) floors(now time.Time) (all []state.Floor) {
	if c.Floors == nil {
		return nil
	}
	for factor, number := range c.Floors(now) {
		all = append(all, state.Floor{Factor: factor, Number: number})
	}
	slices.SortFunc(all, func(a, b state.Floor) int { return bytes.Compare([]byte(a.Factor), []byte(b.Factor)) })
	return all
}

// nextKeyID is the id after that of the current key. Ids go on in turn, round after 255, also where a new
// epoch leaves no other key: so a node that lags takes a State that it cannot open for one of a newer ring, and
// not for a forged one. A backup's keys are no part of the ring any more, and their ids stand for nothing.
func nextKeyID(v state.View) byte {
	keys := v.Meta().Keys
	if len(keys) == 0 {
		return 1
	}
	return keys[len(keys)-1].ID + 1
}
