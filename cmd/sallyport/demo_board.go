package main

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// boardWidth is how wide a text on the board gets, in characters; longer words stay whole.
const boardWidth = 72

// board is the demo's terminal, on which several parts write at once. Each write arrives whole.
type board struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes p in one piece.
func (b *board) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.w.Write(p)
}

// post shows a text in a box. What comes from elsewhere cannot steer the terminal.
func (b *board) post(title, text string) error {
	var box strings.Builder
	rule := strings.Repeat("─", max(boardWidth-1-utf8.RuneCountInString(title), 1))
	box.WriteString("\n┌─ " + printable(title) + " " + rule + "\n")
	for line := range strings.SplitSeq(strings.Trim(printable(withoutReturns(text)), "\n"), "\n") {
		for _, part := range wrapped(line, boardWidth) {
			box.WriteString(strings.TrimRight("│ "+part, " ") + "\n")
		}
	}
	box.WriteString("└" + strings.Repeat("─", boardWidth+2) + "\n")
	_, err := io.WriteString(b, box.String())
	return err
}

// wrapped breaks a line at blanks, where it can. A line that fits stays as it is.
func wrapped(line string, width int) []string {
	if utf8.RuneCountInString(line) <= width {
		return []string{line}
	}
	var lines []string
	var last string
	for _, word := range strings.Fields(line) {
		switch {
		case last == "":
			last = word
		case utf8.RuneCountInString(last)+1+utf8.RuneCountInString(word) > width:
			lines, last = append(lines, last), word
		default:
			last += " " + word
		}
	}
	return append(lines, last)
}

// indented sets a dialogue off from what is said about it, and passes it on line by line.
type indented struct {
	w    io.Writer
	line []byte
}

// Write puts blanks in front of each line that is not empty. A line that does not end in p waits for
// its rest.
func (i *indented) Write(p []byte) (int, error) {
	i.line = append(i.line, p...)
	for {
		end := bytes.IndexByte(i.line, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := i.line[:end+1]
		if end > 0 {
			line = append([]byte("    "), line...)
		}
		if _, err := i.w.Write(line); err != nil {
			return 0, err
		}
		i.line = i.line[end+1:]
	}
}
