package radius

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxDictionary is the size in octets above which a file is taken for something else: the largest of
// FreeRADIUS 3 has a tenth of it.
const maxDictionary = 1 << 20

// dictionaryReader reads files into a dictionary. It keeps files, vendors and blocks itself and gives
// the library one definition at a time, since that gives up at the first definition that it does not
// support, and knows no directory but one.
type dictionaryReader struct {
	into    *Dictionary
	vendors map[string]*vendor
	// open returns what a file holds.
	open func(path string) (string, error)
	// read are the files that were begun, so that one that is included twice, or by itself, is read
	// once.
	read map[string]bool
}

// place is where the reader is in one file.
type place struct {
	dir string
	// block is the vendor between BEGIN-VENDOR and END-VENDOR.
	block *vendor
	// refused says why nothing of the block can be used.
	refused string
	// inTLV is true between BEGIN-TLV and END-TLV.
	inTLV bool
}

// obstacle says why what is defined here cannot be used; "" where it can.
func (p *place) obstacle() string {
	if p.inTLV {
		return isPart
	}
	return p.refused
}

// file reads a file.
func (r *dictionaryReader) file(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if r.read[path] {
		return nil
	}
	r.read[path] = true
	content, err := r.open(path)
	if err != nil {
		return err
	}
	return r.text(path, content)
}

// readDictionary returns what a file of a sensible size holds.
func readDictionary(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(f, maxDictionary+1))
	if err == nil && len(content) > maxDictionary {
		err = fmt.Errorf("%s is larger than 1 MiB: it is no dictionary", path)
	}
	return string(content), err
}

// text reads what a file holds.
func (r *dictionaryReader) text(path, content string) error {
	p := &place{dir: filepath.Dir(path)}
	number := 0
	for line := range strings.Lines(content) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			if err := r.line(p, fields); err != nil {
				return fmt.Errorf("%s:%d: %w", path, number, err)
			}
		}
	}
	if p.block != nil {
		return fmt.Errorf("%s: BEGIN-VENDOR %s has no END-VENDOR", path, p.block.Name)
	}
	return nil
}

// line takes one line in. The format knows no quotes, so that its words are its fields. Its keywords
// may be in any case, which the library's may not.
func (r *dictionaryReader) line(p *place, fields []string) error {
	if len(fields) < 2 {
		return errors.New("the line is not complete")
	}
	keyword := fields[0]
	fields[0] = strings.ToUpper(keyword)
	switch word := fields[0]; word {
	case "$INCLUDE", "$INCLUDE-":
		return r.include(p, fields[1], word == "$INCLUDE-")
	case "BEGIN-VENDOR":
		return r.begin(p, fields[1:])
	case "END-VENDOR":
		if p.block == nil || !strings.EqualFold(p.block.Name, fields[1]) {
			return fmt.Errorf("END-VENDOR %s has no BEGIN-VENDOR", fields[1])
		}
		p.block, p.refused = nil, ""
	case "BEGIN-TLV", "END-TLV":
		p.inTLV = word == "BEGIN-TLV"
	case "VENDOR":
		return r.vendor(fields)
	case "ATTRIBUTE":
		return r.attribute(p, fields)
	case "VALUE":
		return r.value(fields)
	default:
		return fmt.Errorf("%q is not a word of a FreeRADIUS 3 dictionary", keyword)
	}
	return nil
}

func (r *dictionaryReader) include(p *place, path string, optional bool) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	err := r.file(path)
	// What the file itself includes is not optional.
	var failed *fs.PathError
	if optional && errors.As(err, &failed) && failed.Path == filepath.Clean(path) && errors.Is(failed, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (r *dictionaryReader) begin(p *place, fields []string) error {
	v := r.vendors[strings.ToLower(fields[0])]
	switch {
	case p.block != nil:
		return fmt.Errorf("BEGIN-VENDOR %s stands before END-VENDOR %s", fields[0], p.block.Name)
	case v == nil:
		return fmt.Errorf("BEGIN-VENDOR %s has no VENDOR: load the file that defines it first", fields[0])
	}
	p.block, p.refused = v, v.refused
	if len(fields) > 1 {
		p.refused = "extended vendor-specific attributes (RFC 6929) are not supported"
	}
	return nil
}
