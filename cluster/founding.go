package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"sallyport/cluster/link"
	"sallyport/cluster/state"
)

// foundingFile holds what [Init] has made until the log has it.
const foundingFile = "founding.json"

// founding is a cluster that begins.
type founding struct {
	ClusterID string `json:"cluster_id"`
	// Authority is the certificate of the cluster's authority in DER, Key its key, sealed under the
	// master key.
	Authority []byte `json:"authority"`
	Key       []byte `json:"key"`
}

// identityDir is where the node's certificate and key are.
func identityDir(c Config) string { return filepath.Join(c.DataDir, raftDir) }

// Init makes a data directory the first of a cluster that others may join: an empty one, or that of a
// node that was alone so far. The node must not be running. [RefusedError] says what is in the way. It
// may be called again when it was interrupted.
func Init(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if cfg.Listen == "" {
		return &ConfigError{errors.New("a cluster needs a port: set listen under [cluster]")}
	}
	cfg = cfg.withDefaults()
	off, err := openOffline(cfg)
	if err != nil {
		return err
	}
	return errors.Join(off.init(), off.store.close())
}

// offline is the data directory of a node that does not run.
type offline struct {
	config Config
	store  storage
	seal   *sealer
	raft   *raft.Config
	// machine is what the log comes to, once it was read.
	machine *state.Machine
}

func openOffline(cfg Config) (*offline, error) {
	seal, err := newSealer(cfg.MasterKey)
	if err != nil {
		return nil, err
	}
	store, err := openStorage(cfg, newDisk(cfg))
	if err != nil {
		return nil, err
	}
	if err := checkMasterKey(store.stable, seal); err != nil {
		return nil, errors.Join(err, store.close())
	}
	o := &offline{config: cfg, store: store, seal: seal, raft: cfg.raft(), machine: state.New()}
	o.raft.Logger = newRaftLogger(cfg.Logger)
	return o, nil
}

func (o *offline) init() error {
	begun, err := clusterBegun(o.store)
	if err != nil {
		return err
	}
	f, interrupted, err := loadFounding(o.config)
	if err != nil {
		return err
	}
	if _, err := link.LoadIdentity(identityDir(o.config)); err == nil && !interrupted {
		return &RefusedError{fmt.Sprintf("%s holds a part of a cluster already: start sallyport", o.config.DataDir)}
	} else if err != nil && !isMissing(err) {
		return err
	}
	if begun {
		if err := o.read(); err != nil {
			return err
		}
	}
	self := raft.Configuration{Servers: []raft.Server{{ID: o.raft.LocalID, Address: raft.ServerAddress(o.config.address())}}}
	if !interrupted {
		if f, err = o.found(begun); err != nil {
			return err
		}
	}
	if err := o.rebuild(begun, self); err != nil {
		return err
	}
	memory, err := openMemory(identityDir(o.config))
	if err != nil {
		return err
	}
	fingerprint, err := o.identify(f)
	if err != nil {
		return err
	}
	memory.reset(roster{Members: []member{{Name: o.config.Name, Address: o.config.address(), Voter: true, Fingerprint: fingerprint}}})
	return memory.beat(o.config.Now())
}

// found makes the authority, and writes it down before anything depends on it.
func (o *offline) found(begun bool) (founding, error) {
	f := founding{ClusterID: newClusterID()}
	if begun {
		f.ClusterID = o.machine.View().Meta().ClusterID
	}
	authority, err := link.NewAuthority(f.ClusterID, o.config.Now())
	if err != nil {
		return f, err
	}
	key, err := authority.Key()
	if err != nil {
		return f, err
	}
	f.Authority = authority.Certificate()
	if f.Key, err = o.seal.seal(authorityName(), key); err != nil {
		return f, err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return f, err
	}
	return f, writeFile(filepath.Join(identityDir(o.config), foundingFile), text)
}

// identify gives the node its certificate, and leaves it the one that it has: the log may know it.
func (o *offline) identify(f founding) (fingerprint string, err error) {
	if has, err := link.LoadIdentity(identityDir(o.config)); err == nil && bytes.Equal(has.Authority, f.Authority) && has.Name == o.config.Name {
		return fingerprintText(link.Fingerprint(has.Certificate)), nil
	}
	key, err := o.seal.open(authorityName(), f.Key)
	if err != nil {
		return "", err
	}
	authority, err := link.LoadAuthority(f.Authority, key)
	if err != nil {
		return "", err
	}
	request, private, err := link.NewKey(o.config.Name)
	if err != nil {
		return "", err
	}
	certificate, err := authority.Issue(request, o.config.Name, o.config.Now())
	if err != nil {
		return "", err
	}
	identity := link.Identity{Name: o.config.Name, Certificate: certificate, Authority: f.Authority, Key: private}
	return fingerprintText(link.Fingerprint(certificate)), identity.Save(identityDir(o.config))
}

// rebuild makes this node the only member, under the address that others will call.
func (o *offline) rebuild(begun bool, self raft.Configuration) error {
	_, transport := raft.NewInmemTransport(self.Servers[0].Address)
	defer transport.Close()
	if !begun {
		return raft.BootstrapCluster(o.raft, o.store.logs, o.store.stable, o.store.snapshots, transport, self)
	}
	fresh := &fsm{machine: state.New()}
	return raft.RecoverCluster(o.raft, fresh, o.store.logs, o.store.stable, o.store.snapshots, transport, self)
}

// loadFounding reads what an Init has made that the log may not have yet.
func loadFounding(c Config) (f founding, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(identityDir(c), foundingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, false, fmt.Errorf("read the beginning of the cluster: %w", err)
	}
	return f, true, nil
}

// foundingID is the id of the cluster to found.
func (n *Node) foundingID() (string, error) {
	f, found, err := loadFounding(n.config)
	if err != nil || found {
		return f.ClusterID, err
	}
	return newClusterID(), nil
}

// certify puts what Init has made into the log.
func (n *Node) certify(ctx context.Context) error {
	if n.isAlone() {
		return nil
	}
	f, found, err := loadFounding(n.config)
	if err != nil || !found {
		return err
	}
	result, err := n.submit(ctx, &state.Certify{Certificate: f.Authority, Key: f.Key})
	if err != nil {
		return err
	}
	if result.Status != state.Done {
		return errors.New("the cluster has another authority already")
	}
	if err := n.announce(ctx); err != nil {
		return err
	}
	return os.Remove(filepath.Join(identityDir(n.config), foundingFile))
}

// announce says in the log who this node is.
func (n *Node) announce(ctx context.Context) error {
	fingerprint, err := fingerprintOf(n.self.Fingerprint)
	if err != nil {
		return err
	}
	_, err = n.submit(ctx, &state.Announce{
		Node: n.config.Name, Address: n.self.Address, Version: n.config.Version, Level: state.Level, Fingerprint: fingerprint,
	})
	return err
}

func newClusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	return hex.EncodeToString(id)
}

func authorityName() recordName { return newRecordName([]byte("cluster authority")) }

func fingerprintText(f [32]byte) string {
	if f == ([32]byte{}) {
		return ""
	}
	return hex.EncodeToString(f[:])
}

func fingerprintOf(text string) (f [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(f) {
		return f, errors.New("a fingerprint cannot be read")
	}
	return [32]byte(b), nil
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
