package config

import (
	"errors"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// node is a value of the configuration and the place of its key.
type node struct {
	at place
	// value is a map[string]*node, a []*node, or a scalar as go-toml decodes it.
	value any
}

// parse reads one file into a tree. A file with a syntax error has no tree: the parser knows only
// its first one.
func parse(file string, text []byte) (*node, *Fault) {
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, syntaxFault(file, err)
	}
	l := locator{file: file, places: map[string]place{}, arrays: map[string]int{}}
	l.locate(text)
	return l.tree("", place{file: file}, values), nil
}

// syntaxFault keeps the message and the position of err, and drops the excerpt that it carries.
func syntaxFault(file string, err error) *Fault {
	f := &Fault{File: file, Message: "not readable as TOML"}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		f.Line, f.Column = at.Position()
		f.Message = withoutQuotes(strings.TrimPrefix(at.Error(), "toml: "))
	}
	return f
}

// withoutQuotes cuts a message of the TOML library at what it quotes from the file.
func withoutQuotes(message string) string {
	for i, r := range message {
		if r == '"' || r == '\'' || r == '`' {
			return message[:i] + "…"
		}
	}
	return message
}

// locator finds the place of each key of a file, which decoding into values loses.
type locator struct {
	file   string
	lines  []int // offset of each line
	places map[string]place
	arrays map[string]int // length of each array of tables so far
}

func (l *locator) locate(text []byte) {
	l.lines = []int{0}
	for i, c := range text {
		if c == '\n' {
			l.lines = append(l.lines, i+1)
		}
	}
	p := unstable.Parser{}
	p.Reset(text)
	table := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = l.header(e)
		case unstable.KeyValue:
			l.keyValue(table, e)
		}
	}
}

// header notes a table's header and returns the path of the table that it begins.
func (l *locator) header(e *unstable.Node) string {
	path := ""
	for it := e.Key(); it.Next(); {
		path = join(path, string(it.Node().Data))
		if it.IsLast() && e.Kind == unstable.ArrayTable {
			l.arrays[path]++
		}
		l.note(path, it.Node())
		if n := l.arrays[path]; n > 0 {
			path = element(path, n-1)
			l.note(path, it.Node())
		}
	}
	return path
}

func (l *locator) keyValue(path string, e *unstable.Node) {
	var last *unstable.Node
	for it := e.Key(); it.Next(); {
		last = it.Node()
		path = join(path, string(last.Data))
		l.note(path, last)
	}
	l.inside(path, e.Value())
}

// inside notes what an array or an inline table holds.
func (l *locator) inside(path string, value *unstable.Node) {
	i := 0
	for it := value.Children(); it.Next(); i++ {
		switch child := it.Node(); {
		case value.Kind == unstable.InlineTable && child.Kind == unstable.KeyValue:
			l.keyValue(path, child)
		case value.Kind == unstable.Array:
			l.note(element(path, i), child)
			l.inside(element(path, i), child)
		}
	}
}

// note keeps the first place where a path stands. A node without a range of its own keeps none.
func (l *locator) note(path string, n *unstable.Node) {
	if _, known := l.places[path]; known || n.Raw.Length == 0 {
		return
	}
	offset := int(n.Raw.Offset)
	line := sort.SearchInts(l.lines, offset+1)
	l.places[path] = place{l.file, line, offset - l.lines[line-1] + 1}
}

// tree joins the values and their places; what has no place of its own stands where its parent does.
func (l *locator) tree(path string, at place, value any) *node {
	if own, ok := l.places[path]; ok {
		at = own
	}
	switch v := value.(type) {
	case map[string]any:
		table := make(map[string]*node, len(v))
		for key, child := range v {
			table[key] = l.tree(join(path, key), at, child)
		}
		return &node{at, table}
	case []any:
		list := make([]*node, len(v))
		for i, child := range v {
			list[i] = l.tree(element(path, i), at, child)
		}
		return &node{at, list}
	}
	return &node{at, value}
}
