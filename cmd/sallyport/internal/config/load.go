package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"sallyport/login"
	"sallyport/radius"
)

// maxFile bounds a configuration file.
const maxFile = 8 << 20

// source is one file of the configuration.
type source struct {
	name string
	text []byte
}

// Load reads the configuration file and conf.d/*.toml beside it, and checks all of it. credentials
// is the folder of the systemd credentials, empty outside a service. The error is [Faults] when the
// configuration is wrong, or says that a file cannot be read.
func Load(file, credentials string) (*Config, error) {
	return load(file, files{credentials: credentials})
}

// Check does what Load does for someone who only wants to know whether the configuration is right:
// outside a service the systemd credentials, which only the service can read, are warned of.
func Check(file, credentials string) (*Config, error) {
	return load(file, files{credentials: credentials, spareCredentials: credentials == ""})
}

// CheckJoining does what Check does for a node that is about to join a cluster, which brings the master
// key: what is wrong with that is no fault yet.
func CheckJoining(file, credentials string) (*Config, error) {
	return load(file, files{credentials: credentials, spareCredentials: credentials == "", spareMasterKey: true})
}

func load(file string, where files) (*Config, error) {
	sources, err := readFiles(file)
	if err != nil {
		return nil, err
	}
	if where.folder, err = filepath.Abs(filepath.Dir(file)); err != nil {
		return nil, err
	}
	return build(sources, where)
}

// Parse checks a configuration that is in no file, under the name that faults show.
func Parse(name string, text []byte) (*Config, error) {
	return build([]source{{name, text}}, files{folder: "."})
}

func readFiles(file string) ([]source, error) {
	names, err := filepath.Glob(filepath.Join(filepath.Dir(file), "conf.d", "*.toml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var sources []source
	for _, name := range append([]string{file}, names...) {
		text, err := readFile(name)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source{name, text})
	}
	return sources, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, withoutOp(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, withoutOp(err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxFile>>20)
	}
	if text, err = login.ParseText(text); err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return text, nil
}

// treeOf parses the sources and merges them.
func treeOf(sources []source) (root *node, faults Faults) {
	root = &node{place{file: sources[0].name}, map[string]*node{}}
	for _, s := range sources {
		tree, fault := parse(s.name, s.text)
		if fault != nil {
			faults = append(faults, *fault)
			continue
		}
		faults = append(faults, merge("", root, tree)...)
	}
	return root, faults
}

// build makes the configuration of its sources: parse, merge, decode, check.
func build(sources []source, where files) (*Config, error) {
	root, faults := treeOf(sources)
	readable := len(faults) == 0

	cfg := Default()
	d := decoder{places: map[string]place{}, files: where}
	d.value("", root, reflect.ValueOf(&cfg).Elem())
	faults = append(faults, d.faults...)
	if _, cfg.Radius.AccountingGiven = d.places["radius.accounting_listen"]; !cfg.Radius.AccountingGiven {
		cfg.Radius.AccountingListen = radius.DefaultAccounting(cfg.Radius.Listen)
	}
	cfg.Warnings = append(d.warnings, d.spared...)
	c := checker{Config: &cfg, places: d.places, refused: refused(append(d.spared, d.faults...)), now: time.Now()}
	if readable { // what a broken file would have said is not held against the others
		c.check()
		c.readers(d.opened, c.literals(d.literals))
		faults = append(faults, c.faults...)
		cfg.Warnings = append(cfg.Warnings, c.warnings...)
	}
	if where.spareMasterKey {
		faults = slices.DeleteFunc(faults, func(f Fault) bool { return strings.HasPrefix(f.Key, "node.master_key") })
	}
	cfg.redact(faults)
	cfg.redact(cfg.Warnings)
	if len(faults) > 0 {
		return nil, faults.sort()
	}
	cfg.Warnings = cfg.Warnings.sort()
	cfg.Placeholders = cfg.placeholders(c.at).sort()
	return &cfg, nil
}

// refused returns the settings that have faults; that of an element is its array's too.
func refused(faults Faults) map[string]bool {
	keys := map[string]bool{}
	for _, f := range faults {
		for key := f.Key; !keys[key]; key = parent(key) {
			keys[key] = true
			if !strings.HasSuffix(key, "]") {
				break
			}
		}
	}
	return keys
}
