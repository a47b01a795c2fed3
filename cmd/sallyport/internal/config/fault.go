package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in the configuration.
type Fault struct {
	// File, Line and Column (in octets, from 1) say where the key stands. Line is 0 when it is not
	// about a line of the file.
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Key is the path of the key, "client[0].secret"; empty for a syntax error.
	Key string `json:"key,omitempty"`
	// Message says what is wrong and what to do. It quotes no value that may be a secret.
	Message string `json:"message"`
}

// String returns the fault as one line: file:line:column: key: message.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	return b.String() + ": " + f.Message
}

// Faults are all that is wrong, in the order of files and lines.
type Faults []Fault

// Error returns one line for each fault.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// sort orders faults by file and line, and drops repetitions.
func (fs Faults) sort() Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(fs)
}

// place is where something stands in a file.
type place struct {
	file         string
	line, column int
}

// String is the file and the line.
func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

func (p place) fault(key, format string, args ...any) Fault {
	return Fault{p.file, p.line, p.column, key, fmt.Sprintf(format, args...)}
}
