package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// disk is the folder of a store. Only the writer uses it.
type disk struct {
	cfg    Config
	create func(name string, flags int) (file, error)
	// space measures the file system of a folder, in bytes.
	space func(dir string) (free, total uint64, err error)

	// segments are all that exist, the oldest first. The last one is written to while out is open.
	segments []*segment
	out      file
	// next is the number of the next record.
	next    uint64
	removed uint64
}

// segment is one file of records.
type segment struct {
	name string
	size int64
	// began is when it was made, and ended when its last record was: what is removed by age.
	began, ended time.Time
}

// makeFolder makes the folder, and makes it private.
func (d *disk) makeFolder() error {
	if err := os.MkdirAll(d.cfg.Dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(d.cfg.Dir, 0o700)
}

// open reads the folder. A disk without room for it is no reason not to start: logins need none of it.
func (d *disk) open() error {
	d.next = 1
	err := d.makeFolder()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := segmentNames(d.cfg.Dir)
	if err != nil {
		return err
	}
	for i, name := range names {
		last := i == len(names)-1
		if err := d.load(name, last); err != nil {
			return err
		}
	}
	return nil
}

// load takes a segment of an earlier run into the list. Of all but the last one only the header and
// the times are looked at.
func (d *disk) load(name string, last bool) error {
	path := filepath.Join(d.cfg.Dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	g := &segment{name: name, size: info.Size(), began: info.ModTime(), ended: info.ModTime()}
	if !last {
		d.segments = append(d.segments, g)
		return nil
	}
	found, err := examine(path)
	if err != nil {
		return err
	}
	d.next = max(d.next, found.next)
	if first, err := segmentFirst(name); err == nil {
		d.next = max(d.next, first)
	}
	switch {
	case found.damaged:
		d.cfg.Logger.Error("audit segment is damaged before its end: it is left as it is, and a new one begins; look at the disk",
			slog.String("file", path), slog.Int64("offset", found.good))
		d.segments = append(d.segments, g)
		return nil
	case found.good == 0: // not even the header: nothing was ever recorded in it
		d.cfg.Logger.Warn("audit segment without a header removed: it was being made when the node crashed", slog.String("file", path))
		return os.Remove(path)
	case found.good < g.size:
		d.cfg.Logger.Warn("audit segment cut after its last whole record: the node crashed while it wrote",
			slog.String("file", path), slog.Int64("bytes", g.size-found.good))
	}
	out, err := d.create(path, 0)
	if err != nil {
		return err
	}
	if found.good < g.size {
		if err := errors.Join(out.Truncate(found.good), out.Sync()); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	g.size, g.began = found.good, found.began
	d.segments, d.out = append(d.segments, g), out
	return nil
}

func (d *disk) bytes() (n int64) {
	for _, g := range d.segments {
		n += g.size
	}
	return n
}

func (d *disk) current() *segment { return d.segments[len(d.segments)-1] }

// segmentSize is how large a segment becomes.
func (d *disk) segmentSize() int64 { return min(d.cfg.MaxBytes/segmentsBySize, largestSegment) }

// reserved is what the store leaves free for the replicated state, whose disk it shares: logins go on while
// accounting does not. A small disk has less of it.
func reserved(total uint64) uint64 { return min(total/20, 128<<20) }

// room reports whether a batch may take so many bytes of the disk.
func (d *disk) room(n int) error {
	free, total, err := d.space(d.cfg.Dir)
	if err != nil {
		return fmt.Errorf("measure the disk of the audit store: %w", err)
	}
	if free < reserved(total)+uint64(n) {
		return fmt.Errorf("write to the audit store: %d MiB are free on its disk, and %d MiB are reserved for the replicated state: %w",
			free>>20, reserved(total)>>20, syscall.ENOSPC)
	}
	return nil
}

// append writes a batch with one write and one sync. After an error nothing of it counts as recorded.
func (d *disk) append(batch []*entry) error {
	now := d.cfg.Now()
	if d.out != nil && (d.current().size >= d.segmentSize() || now.Sub(d.current().began) >= d.cfg.MaxAge/segmentsByAge) {
		d.close()
	}
	if d.out == nil {
		if err := d.begin(now); err != nil {
			return err
		}
	}
	var text []byte
	for i, e := range batch {
		line, err := json.Marshal(Record{Seq: d.next + uint64(i), Time: now.UTC(), Kind: e.kind, Event: e.event})
		if err != nil {
			return fmt.Errorf("encode an audit record of kind %q: %w", e.kind, err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := d.room(len(text)); err != nil {
		return err
	}
	g := d.current()
	if _, err := d.out.Write(text); err != nil {
		// What was written of it is taken back. Where that fails too, the next batch goes elsewhere.
		if d.out.Truncate(g.size) != nil {
			d.abandon(len(batch))
		}
		return fmt.Errorf("write to the audit store: %w", err)
	}
	if err := d.out.Sync(); err != nil {
		// Whether the records are on the disk is not known, and a second sync would not tell: their numbers
		// are used up.
		_ = d.out.Truncate(g.size)
		d.abandon(len(batch))
		return fmt.Errorf("sync the audit store: %w", err)
	}
	g.size += int64(len(text))
	g.ended = now
	d.next += uint64(len(batch))
	d.prune(now)
	return nil
}

// abandon leaves the segment that is written to, and the numbers of a batch whose fate is not known.
func (d *disk) abandon(batch int) {
	d.next += uint64(batch)
	d.close()
}

// close closes the segment that is written to. Everything in it was synced.
func (d *disk) close() {
	if d.out != nil {
		_ = d.out.Close()
		d.out = nil
	}
}

// begin makes the next segment, durably, name and header.
func (d *disk) begin(now time.Time) error {
	if err := d.makeFolder(); err != nil {
		return fmt.Errorf("begin an audit segment: %w", err)
	}
	name := segmentName(d.next)
	path := filepath.Join(d.cfg.Dir, name)
	// One of the same name can only be left of a try that failed, or whose records were all cut.
	d.segments = slices.DeleteFunc(d.segments, func(g *segment) bool { return g.name == name })
	out, err := d.create(path, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return fmt.Errorf("begin an audit segment: %w", err)
	}
	text, err := json.Marshal(header{Version: formatVersion, Node: d.cfg.Node, First: d.next, Began: now.UTC()})
	if err != nil {
		return errors.Join(err, out.Close())
	}
	text = append(text, '\n')
	_, err = out.Write(text)
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = syncFolder(d.cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("begin an audit segment: %w", errors.Join(err, out.Close(), os.Remove(path)))
	}
	d.segments = append(d.segments, &segment{name: name, size: int64(len(text)), began: now, ended: now})
	d.out = out
	return nil
}

// prune removes the oldest segments as the bounds demand, never the one that is written to.
func (d *disk) prune(now time.Time) {
	for len(d.segments) > 0 && !(len(d.segments) == 1 && d.out != nil) {
		oldest := d.segments[0]
		if d.bytes() <= d.cfg.MaxBytes && now.Sub(oldest.ended) <= d.cfg.MaxAge {
			return
		}
		if len(d.segments) == 1 {
			// The last one tells the next number, and that it is old says nothing new.
			return
		}
		path := filepath.Join(d.cfg.Dir, oldest.name)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			d.cfg.Logger.Error("audit segment cannot be removed: the store grows beyond its bound",
				slog.String("file", path), slog.Any("error", err))
			return
		}
		d.segments = d.segments[1:]
		d.removed++
	}
}

func statfs(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	for {
		if err = syscall.Statfs(dir, &st); err != syscall.EINTR {
			break
		}
	}
	size := uint64(st.Bsize)
	return st.Bavail * size, (st.Blocks - st.Bfree + st.Bavail) * size, err
}

func fdatasync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	if err := raw.Control(func(fd uintptr) {
		for {
			if syncErr = syscall.Fdatasync(int(fd)); syncErr != syscall.EINTR {
				return
			}
		}
	}); err != nil {
		return err
	}
	return syncErr
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
