package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"sallyport/cmd/sallyport/internal/regular"
	"sallyport/login"
)

// credential introduces the name of a systemd credential where a secret stands.
const credential = "cred:"

// maxSecret bounds what is read from a secret's file.
const maxSecret = 64 << 10

// files says where to find what the configuration names but does not hold.
type files struct {
	// folder is what relative paths begin at: that of the main configuration file.
	folder string
	// credentials is the folder of the systemd credentials; empty outside a service.
	credentials string
	// spareCredentials turns the fault of a credential that is not here into a warning.
	spareCredentials bool
	// spareMasterKey lets the master key be missing.
	spareMasterKey bool
}

// secrets completes each secret x of a table: either x holds it, or "cred:NAME" for a systemd
// credential, or x_file names the file that holds it.
func (d *decoder) secrets(path string, n *node, v reflect.Value, fields map[string][]int) {
	for key, i := range fields {
		s, ok := v.FieldByIndex(i).Addr().Interface().(*login.Secret)
		if !ok {
			continue
		}
		file := new(string) // of a secret that knows no file
		if f, ok := fields[key+"_file"]; ok {
			file = v.FieldByIndex(f).Addr().Interface().(*string)
		}
		d.secret(path, n, key, s, file)
	}
}

func (d *decoder) secret(path string, n *node, key string, s *login.Secret, file *string) {
	name, isCredential := strings.CutPrefix(s.Reveal(), credential)
	table, _ := n.value.(map[string]*node)
	switch {
	case table[key] != nil && table[key+"_file"] != nil:
		d.fault(table[key+"_file"], join(path, key+"_file"), "%s is given as well: remove one of the two", key)
	case isCredential:
		*s, *file = d.credential(join(path, key), table[key], name), ""
	case *s != "":
		*file = "" // the default file is not asked
		at := cmp.Or(table[key], n)
		d.literals = append(d.literals, at.at.file)
		if parts := login.InvisibleParts(s.Reveal()); parts != "" {
			d.warnings = append(d.warnings, at.at.fault(join(path, key), "%s", parts))
		}
	case *file != "":
		at := cmp.Or(table[key+"_file"], n) // a default has no place of its own
		*s = d.secretFile(join(path, key+"_file"), at, *file)
	}
}

// credential reads a secret that is "cred:NAME".
func (d *decoder) credential(path string, n *node, name string) login.Secret {
	s, warning, err := d.files.credential(name)
	switch {
	case err != nil && d.files.spareCredentials:
		d.spared = append(d.spared, n.at.fault(path, "is a systemd credential, which only the service can read: not checked"))
	case err != nil:
		d.fault(n, path, "%v", err)
	}
	d.invisible(n, path, warning)
	return s
}

// secretFile reads a secret. A systemd credential with the file's name goes first, so that the file
// itself may be root's alone.
func (d *decoder) secretFile(path string, n *node, file string) login.Secret {
	if s, warning, err := d.files.credential(filepath.Base(file)); err == nil || d.files.credentials != "" && !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			d.fault(n, path, "%v", err)
		}
		d.invisible(n, path, warning)
		return s
	}
	s, warning, err := readSecret(file)
	if err != nil {
		d.fault(n, path, "%v", err)
	}
	d.invisible(n, path, warning)
	if err == nil {
		d.opened = append(d.opened, opened{n.at, path, file})
	}
	return s
}

func (d *decoder) invisible(n *node, path, warning string) {
	if warning != "" {
		d.warnings = append(d.warnings, n.at.fault(path, "%s", warning))
	}
}

// credential returns a systemd credential.
func (f files) credential(name string) (login.Secret, string, error) {
	if f.credentials == "" {
		return "", "", errors.New("names a systemd credential, but there are none here (CREDENTIALS_DIRECTORY is not set)")
	}
	if name == "" || name != filepath.Base(name) {
		return "", "", errors.New("is not the name of a systemd credential")
	}
	return readSecret(filepath.Join(f.credentials, name))
}

// readSecret returns the secret that a file holds, as [login.ParseSecret] has it, and its warning, which
// begins with the file. Errors begin with the file's name.
func readSecret(file string) (s login.Secret, warning string, err error) {
	content, err := readBounded(file, maxSecret)
	if err != nil {
		return "", "", err
	}
	if s, warning, err = login.ParseSecret(content); err != nil {
		return "", "", fmt.Errorf("%s %w", file, err)
	}
	if warning != "" {
		warning = file + " " + warning
	}
	return s, warning, nil
}

// readBounded returns what a regular file of at most that many bytes holds. Errors begin with its name.
func readBounded(file string, most int64) ([]byte, error) {
	if err := regular.Check(file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, withoutOp(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, withoutOp(err)
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("%s is too long: more than %d bytes", file, most)
	}
	return b, nil
}

// withoutOp shortens "open FILE: reason" to "FILE: reason".
func withoutOp(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
