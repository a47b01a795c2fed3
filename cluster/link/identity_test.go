package link_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sallyport/cluster/link"
)

func TestAnIdentityFitsTogether(t *testing.T) {
	w, foreign := newWorld(t, "c1"), newWorld(t, "c1")
	a, other := w.identity(t, "a"), foreign.identity(t, "a")
	for what, c := range map[string]struct {
		alter func(*link.Identity)
		want  string
	}{
		"another name":           {func(i *link.Identity) { i.Name = "b" }, `that of node "a"`},
		"another authority":      {func(i *link.Identity) { i.Authority = other.Authority }, "did not sign"},
		"another key":            {func(i *link.Identity) { i.Key = other.Key }, "the key is not that of the certificate"},
		"another certificate":    {func(i *link.Identity) { i.Certificate = other.Certificate }, "did not sign"},
		"the authority's own":    {func(i *link.Identity) { i.Certificate = i.Authority }, "node name"},
		"an altered certificate": {func(i *link.Identity) { i.Certificate = altered(i.Certificate) }, "did not sign"},
		"a node as authority":    {func(i *link.Identity) { i.Authority = i.Certificate }, "not that of an authority"},
		"no key":                 {func(i *link.Identity) { i.Key = nil }, "PKCS#8"},
		"no certificate":         {func(i *link.Identity) { i.Certificate = nil }, "certificate"},
		"nothing":                {func(i *link.Identity) { *i = link.Identity{} }, "authority"},
	} {
		i := a
		c.alter(&i)
		if err := i.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
		if err := i.Save(t.TempDir()); err == nil {
			t.Errorf("%s was saved", what)
		}
	}
	if err := a.Check(); err != nil {
		t.Error(err)
	}
}

func TestAnIdentityIsKept(t *testing.T) {
	w, dir := newWorld(t, "c1"), t.TempDir()
	if _, err := link.LoadIdentity(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is none yet: %v", err)
	}
	for _, name := range []string{"first", "second"} { // which replaces the first
		i := w.identity(t, name)
		if err := i.Save(dir); err != nil {
			t.Fatal(err)
		}
		if back, err := link.LoadIdentity(dir); err != nil || !reflect.DeepEqual(back, i) {
			t.Errorf("%s came back as %s, %v", name, back.Name, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := w.identity(t, "a").Save(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("saved into no directory: %v", err)
	}
}

// TestAnAlteredFileIsNoIdentity cuts the file at each line, and swaps what is in it.
func TestAnAlteredFileIsNoIdentity(t *testing.T) {
	w, dir := newWorld(t, "c1"), t.TempDir()
	if err := w.identity(t, "a").Save(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "node.pem")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSpace(whole), []byte("\n"))
	var texts [][]byte
	for n := range lines {
		texts = append(texts, bytes.Join(lines[:n], nil), bytes.Join(lines[n+1:], nil))
	}
	for _, text := range texts {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if i, err := link.LoadIdentity(dir); err == nil {
			t.Errorf("an identity of %q from\n%s", i.Name, text)
		} else if key := lines[len(lines)-2]; bytes.Contains([]byte(err.Error()), bytes.TrimSpace(key)) {
			t.Errorf("the error quotes the key: %v", err)
		}
	}
}
