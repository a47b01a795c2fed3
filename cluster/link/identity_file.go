package link

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// identityFile holds a whole identity in PEM (RFC 7468): the node's certificate, the authority's, the
// key. It is one file so that there is never half of one.
const identityFile = "node.pem"

const (
	certificateBlock = "CERTIFICATE"
	keyBlock         = "PRIVATE KEY"
)

// Save writes the identity into dir, which exists, for its owner alone. What was there before is
// replaced at once and for good, or not at all.
func (i Identity) Save(dir string) error {
	if err := i.Check(); err != nil {
		return err
	}
	var text []byte
	for _, b := range []pem.Block{{Type: certificateBlock, Bytes: i.Certificate}, {Type: certificateBlock, Bytes: i.Authority}, {Type: keyBlock, Bytes: i.Key}} {
		text = append(text, pem.EncodeToMemory(&b)...)
	}
	if err := replace(filepath.Join(dir, identityFile), text); err != nil {
		return fmt.Errorf("save identity of node %q: %w", i.Name, err)
	}
	return nil
}

// replace writes a file of mode 0600 under another name, and renames it when it is on disk.
func replace(file string, content []byte) error {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(dir)
}

// syncDir makes a new name in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LoadIdentity reads what Save wrote. The error wraps [fs.ErrNotExist] when there is none in dir.
func LoadIdentity(dir string) (Identity, error) {
	file := filepath.Join(dir, identityFile)
	text, err := os.ReadFile(file)
	if err != nil {
		return Identity{}, fmt.Errorf("load identity: %w", err)
	}
	var i Identity
	for _, part := range []struct {
		kind string
		der  *[]byte
	}{{certificateBlock, &i.Certificate}, {certificateBlock, &i.Authority}, {keyBlock, &i.Key}} {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != part.kind {
			return Identity{}, fmt.Errorf("load identity: %s is cut or altered: wipe this node and join it again", file)
		}
		*part.der, text = block.Bytes, rest
	}
	if i.Name, err = certifiedName(i.Certificate); err != nil {
		return Identity{}, fmt.Errorf("load identity: %s: %w", file, err)
	}
	if err := i.Check(); err != nil {
		return Identity{}, fmt.Errorf("load identity: %s: %w", file, err)
	}
	return i, nil
}
