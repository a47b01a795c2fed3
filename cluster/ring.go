package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"

	"sallyport/cluster/state"
	"sallyport/login"
)

// ringCache keeps the key ring that was opened from the newest meta record.
type ringCache struct{ opened atomic.Pointer[openedRing] }

type openedRing struct {
	meta *state.Meta
	ring *login.KeyRing
}

// Keys returns the current key ring. Before the cluster has one it is [login.ErrUnavailable].
func (l *ledger) Keys(context.Context) (*login.KeyRing, error) {
	if err := l.readable(); err != nil {
		return nil, err
	}
	return l.keyRing()
}

func (l *ledger) keyRing() (*login.KeyRing, error) {
	meta := l.machine.View().Meta()
	if o := l.rings.opened.Load(); o != nil && o.meta == meta {
		return o.ring, nil
	}
	ring, err := l.openRing(meta)
	if err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	l.rings.opened.Store(&openedRing{meta, ring})
	return ring, nil
}

func (l *ledger) openRing(meta *state.Meta) (*login.KeyRing, error) {
	if len(meta.Keys) == 0 {
		return nil, fmt.Errorf("the cluster was not founded yet: %w", login.ErrUnavailable)
	}
	if !bytes.Equal(meta.Check, l.sealer.check()) {
		return nil, ErrMasterKey
	}
	keys := make(map[byte][32]byte, len(meta.Keys))
	for _, k := range meta.Keys {
		plain, err := l.sealer.open(stateKeyName(k.ID), k.Sealed)
		if err != nil {
			return nil, err
		}
		if len(plain) != 32 {
			return nil, fmt.Errorf("%w: a State key of %d octets", errSealed, len(plain))
		}
		keys[k.ID] = [32]byte(plain)
	}
	return login.NewKeyRing(meta.ClusterID, meta.Epoch, keys, meta.Keys[len(meta.Keys)-1].ID, l.sealer.tagKey())
}

func (l *ledger) newStateKey(id byte) (state.StateKey, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return state.StateKey{}, fmt.Errorf("generate State key: %w", err)
	}
	sealed, err := l.sealer.seal(stateKeyName(id), key)
	return state.StateKey{ID: id, Sealed: sealed}, err
}

// found gives a new cluster its id and its first State key. It does nothing when there is one.
func (l *ledger) found(ctx context.Context, id string) error {
	if l.machine.View().Meta().ClusterID != "" {
		return nil
	}
	key, err := l.newStateKey(1)
	if err != nil {
		return err
	}
	// A conflict means that it was founded in between, perhaps by this very command.
	_, err = l.propose(ctx, &state.Found{ClusterID: id, Level: state.Level, Check: l.sealer.check(), Key: key})
	return err
}

// rotate makes a new State key current when the old one has served its time.
func (l *ledger) rotate(ctx context.Context) error {
	keys := l.machine.View().Meta().Keys
	if len(keys) == 0 {
		return nil
	}
	current := keys[len(keys)-1]
	if l.Now().UnixNano()-current.Since < int64(l.keyLife) {
		return nil
	}
	key, err := l.newStateKey(current.ID + 1)
	if err != nil {
		return err
	}
	_, err = l.propose(ctx, &state.Rotate{Previous: current.ID, Key: key})
	return err
}
