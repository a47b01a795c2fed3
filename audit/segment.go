package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// formatVersion is the version of the segments that this program writes, and the newest that it reads.
const formatVersion = 1

// header is the first line of a segment.
type header struct {
	Version int       `json:"sallyport_audit"`
	Node    string    `json:"node,omitempty"`
	First   uint64    `json:"first"`
	Began   time.Time `json:"began"`
}

// maxLine is what a line may have: a record and what is around its event.
const maxLine = maxRecord + 1<<10

// segmentName names a segment by its first record, so that the order of names is that of records.
func segmentName(first uint64) string { return fmt.Sprintf("%020d.jsonl", first) }

func segmentFirst(name string) (uint64, error) {
	return strconv.ParseUint(strings.TrimSuffix(name, ".jsonl"), 10, 64)
}

// segmentNames returns the segments of a folder, the oldest first. Other files are none of ours.
func segmentNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if first, err := segmentFirst(e.Name()); err == nil && e.Name() == segmentName(first) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// found is what examine says of a segment.
type found struct {
	// good is the length of what can be read from the start, 0 when not even the header can.
	good  int64
	began time.Time
	// next is the number after the last record, also of one behind a damage.
	next uint64
	// damaged means that a record follows something that is none: this is no torn write.
	damaged bool
}

// examine reads a segment through.
func examine(path string) (f found, err error) {
	file, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 64<<10)
	torn := false
	for at := int64(0); ; {
		line, readErr := readLine(lines)
		if readErr != nil && readErr != io.EOF {
			return f, readErr
		}
		if len(line) == 0 {
			return f, nil
		}
		var h header
		var r Record
		switch whole := readErr == nil; {
		case whole && at == 0 && json.Unmarshal(line, &h) == nil && h.Version > 0:
			if h.Version > formatVersion {
				return f, fmt.Errorf("%s was written by a later version of Sallyport (format %d)", path, h.Version)
			}
			f.good, f.began, f.next = int64(len(line)), h.Began, h.First
		case whole && at > 0 && json.Unmarshal(line, &r) == nil && r.Seq > 0 && r.Kind != "":
			f.next = max(f.next, r.Seq+1)
			if torn {
				f.damaged = true
				break
			}
			f.good = at + int64(len(line))
		default:
			torn = true
		}
		at += int64(len(line))
	}
}

// readLine returns the next line with its end. What is longer than any line comes in pieces.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for len(line) <= maxLine {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
	return line, nil
}

// Read returns the records in a store's folder, the oldest first, also while the store is being written
// to. What is no record, such as a write that a crash has torn, is passed over. It ends at the first
// error of the disk.
func Read(dir string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		names, err := segmentNames(dir)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for _, name := range names {
			if !readSegment(filepath.Join(dir, name), yield) {
				return
			}
		}
	}
}

func readSegment(path string, yield func(Record, error) bool) (goOn bool) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) { // it made room meanwhile
		return true
	}
	if err != nil {
		return yield(Record{}, err)
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := readLine(lines)
		if err == io.EOF { // a line without an end is being written
			return true
		}
		if err != nil {
			yield(Record{}, err)
			return false
		}
		var r Record
		if json.Unmarshal(bytes.TrimSpace(line), &r) == nil && r.Seq > 0 && r.Kind != "" && !yield(r, nil) {
			return false
		}
	}
}
