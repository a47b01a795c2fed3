package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// note is an event of the tests.
type note struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

func openStore(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// add appends notes, one after the other.
func add(t testing.TB, s *Store, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if err := s.Append(t.Context(), "note", note{N: n}); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the notes of a store's folder, and fails where the numbers of records do not rise.
func read(t testing.TB, dir string) (notes []int) {
	t.Helper()
	last := uint64(0)
	for r, err := range Read(dir) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq <= last || r.Kind != "note" || r.Time.IsZero() {
			t.Fatalf("record %+v after number %d", r, last)
		}
		last = r.Seq
		var n note
		if err := json.Unmarshal(r.Event, &n); err != nil {
			t.Fatal(err)
		}
		notes = append(notes, n.N)
	}
	return notes
}

func wantNotes(t testing.TB, dir string, want ...int) {
	t.Helper()
	if got := read(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the store has %v, want %v", got, want)
	}
}

// newest is the path of the last segment.
func newest(t testing.TB, dir string) string {
	t.Helper()
	names, err := segmentNames(dir)
	if err != nil || len(names) == 0 {
		t.Fatalf("segments %v, %v", names, err)
	}
	return filepath.Join(dir, names[len(names)-1])
}

func TestRecordsAreFoundAfterAnOrderlyEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	for i := range 3 {
		s := openStore(t, Config{Dir: dir, Node: "node1"})
		add(t, s, 2*i, 2*i+1)
		closeStore(t, s)
		if err := s.Append(t.Context(), "note", note{}); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	}
	wantNotes(t, dir, 0, 1, 2, 3, 4, 5)
	for path, mode := range map[string]os.FileMode{dir: 0o700, newest(t, dir): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v, want mode %v", path, info, err, mode)
		}
	}
	text, err := os.ReadFile(newest(t, dir))
	if err != nil || !strings.HasPrefix(string(text), `{"sallyport_audit":1,"node":"node1","first":1,`) {
		t.Errorf("%v: %.200s", err, text)
	}
}

// What a crash leaves of a write is cut off; the number of a record that was torn is used again.
func TestTornWriteIsCutWhenTheStoreIsOpened(t *testing.T) {
	for name, tail := range map[string]string{
		"half a line":         `{"seq":3,"time":"2026-01-02T03:04:05Z","ki`,
		"zeros":               strings.Repeat("\x00", 5000),
		"a line of another":   "not ours\n",
		"a line without end":  `{"seq":3,"time":"2026-01-02T03:04:05Z","kind":"note","event":{"n":3}}`,
		"a line without name": `{"seq":3}` + "\n",
		"more than a line":    strings.Repeat("x", 3*maxLine),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, Config{Dir: dir})
			add(t, s, 1, 2)
			closeStore(t, s)
			whole, err := os.ReadFile(newest(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(newest(t, dir), append(whole, tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, Config{Dir: dir})
			if cut, err := os.ReadFile(newest(t, dir)); err != nil || !bytes.Equal(cut, whole) {
				t.Errorf("%v: after it was opened the segment ends with %q", err, cut[max(0, len(cut)-80):])
			}
			add(t, s, 7)
			closeStore(t, s)
			wantNotes(t, dir, 1, 2, 7)
		})
	}
}

func TestHeaderThatIsTornLeavesNoSegment(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Config{Dir: dir})
	add(t, s, 1, 2)
	closeStore(t, s)
	if err := os.WriteFile(filepath.Join(dir, segmentName(3)), []byte(`{"sallyport_aud`), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, Config{Dir: dir})
	add(t, s, 3)
	closeStore(t, s)
	wantNotes(t, dir, 1, 2, 3)
}

// Damage that records follow is no torn write: nothing is cut.
func TestDamagedSegmentIsKept(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Config{Dir: dir})
	add(t, s, 1, 2, 3)
	closeStore(t, s)
	damaged := newest(t, dir)
	text, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`{"seq":2,`), []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 1)
	if err := os.WriteFile(damaged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, Config{Dir: dir})
	add(t, s, 4)
	closeStore(t, s)
	wantNotes(t, dir, 1, 3, 4)
	if kept, err := os.ReadFile(damaged); err != nil || !bytes.Equal(kept, text) {
		t.Errorf("the damaged segment was changed: %v", err)
	}
}

func TestSegmentOfALaterVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, segmentName(1)), []byte(`{"sallyport_audit":2,"first":1}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("%v", err)
	}
}

// sick is a file that fails on demand.
type sick struct {
	file
	illness *illness
}

type illness struct {
	mu sync.Mutex
	// room is how many bytes can still be written, negative: any.
	room                 int
	syncFails, truncates bool
	// hangs lets a write wait until it is closed; each that waits says so to hanging.
	hangs, hanging chan struct{}
}

// hang lets the next write wait until the function that it returns is called, and returns when a record of
// its own does.
func (d *illness) hang(t testing.TB, s *Store) (release func()) {
	t.Helper()
	hangs, hanging := make(chan struct{}), make(chan struct{}, 1)
	d.set(func(d *illness) { d.hangs, d.hanging = hangs, hanging })
	done := make(chan error, 1)
	go func() { done <- s.Append(context.Background(), "note", note{N: -1}) }()
	<-hanging
	return func() {
		d.set(func(d *illness) { d.hangs = nil })
		close(hangs)
		if err := <-done; err != nil {
			t.Errorf("the write that hung: %v", err)
		}
	}
}

func (d *illness) set(change func(*illness)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (s sick) Write(b []byte) (int, error) {
	s.illness.mu.Lock()
	room, hangs, hanging := s.illness.room, s.illness.hangs, s.illness.hanging
	s.illness.mu.Unlock()
	if hangs != nil {
		hanging <- struct{}{}
		<-hangs
	}
	if room < 0 || len(b) <= room {
		return s.file.Write(b)
	}
	n, err := s.file.Write(b[:room])
	return n, errors.Join(err, syscall.ENOSPC)
}

func (s sick) Sync() error {
	s.illness.mu.Lock()
	defer s.illness.mu.Unlock()
	if s.illness.syncFails {
		return syscall.EIO
	}
	return s.file.Sync()
}

func (s sick) Truncate(n int64) error {
	s.illness.mu.Lock()
	defer s.illness.mu.Unlock()
	if !s.illness.truncates {
		return syscall.EIO
	}
	return s.file.Truncate(n)
}

// sickStore opens a store whose disk fails as the illness says.
func sickStore(t testing.TB, cfg Config) (*Store, *illness) {
	t.Helper()
	d := &illness{room: -1, truncates: true}
	s, err := open(cfg, func(name string, flags int) (file, error) {
		f, err := createFile(name, flags)
		return sick{f, d}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

// A record that could not be written is not there later, also when a part of it was written.
func TestFullDiskIsAnErrorAndPasses(t *testing.T) {
	for _, c := range []struct {
		name    string
		sicken  func(*illness)
		want    error
		numbers []uint64
	}{
		{"full", func(d *illness) { d.room = 40 }, syscall.ENOSPC, []uint64{1, 2}},
		{"full, and cannot take back", func(d *illness) { d.room, d.truncates = 40, false }, syscall.ENOSPC, []uint64{1, 3}},
		{"sync fails", func(d *illness) { d.syncFails = true }, syscall.EIO, []uint64{1, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s, d := sickStore(t, Config{Dir: dir})
			add(t, s, 1)
			d.set(c.sicken)
			if err := s.Append(t.Context(), "note", note{N: 2}); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			d.set(func(d *illness) { d.room, d.truncates, d.syncFails = -1, true, false })
			add(t, s, 3)
			if st := s.Stats(); st.Records != 2 || st.Failed != 1 {
				t.Errorf("%+v", st)
			}
			closeStore(t, s)
			wantNotes(t, dir, 1, 3)
			var numbers []uint64
			for r := range Read(dir) {
				numbers = append(numbers, r.Seq)
			}
			if fmt.Sprint(numbers) != fmt.Sprint(c.numbers) {
				t.Errorf("numbers %v, want %v", numbers, c.numbers)
			}
			wantNotes(t, dir, 1, 3)
		})
	}
}

// The replicated state is on the same disk: the store does not take the last of it.
func TestLastOfTheDiskIsLeftToTheState(t *testing.T) {
	for _, c := range []struct {
		free, total uint64
		full        bool
	}{
		{127 << 20, 100 << 30, true}, {129 << 20, 100 << 30, false},
		{40 << 20, 1 << 30, true}, {60 << 20, 1 << 30, false},
		{0, 64 << 10, true}, {60 << 10, 64 << 10, false},
	} {
		dir := t.TempDir()
		s := openStore(t, Config{Dir: dir})
		s.disk.space = func(string) (uint64, uint64, error) { return c.free, c.total, nil }
		if err := s.Append(t.Context(), "note", note{N: 1}); errors.Is(err, syscall.ENOSPC) != c.full || (err != nil) != c.full {
			t.Errorf("%d of %d free: %v", c.free, c.total, err)
		}
		closeStore(t, s)
	}
}

// A disk that hangs holds nobody longer than their context, and costs a bounded number of records.
func TestHangingDiskHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, d := sickStore(t, Config{Dir: dir})
		add(t, s, 1)
		release := d.hang(t, s)
		began := time.Now()
		var waiting sync.WaitGroup
		errs := make(chan error, 2*maxWaiting)
		for n := range cap(errs) {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				errs <- s.Append(ctx, "note", note{N: n})
			})
		}
		waiting.Wait()
		close(errs)
		late, busy := 0, 0
		for err := range errs {
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				late++
			case errors.Is(err, ErrBusy):
				busy++
			default:
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(began); took != 4*time.Second || busy != maxWaiting || late != maxWaiting {
			t.Errorf("after %v: %d in time-out, %d busy", took, late, busy)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		release()
		closeStore(t, s)
		wantNotes(t, dir, 1, -1) // nothing is written that was withdrawn
	})
}

func TestConcurrentAppendsShareASync(t *testing.T) {
	dir := t.TempDir()
	s, d := sickStore(t, Config{Dir: dir})
	release := d.hang(t, s)
	const many = 500
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() { add(t, s, n) })
	}
	for s.Stats().Waiting < many {
		runtime.Gosched()
	}
	release()
	all.Wait()
	if st := s.Stats(); st.Records != many+1 || st.Batches != 2 {
		t.Errorf("%d records in %d batches", st.Records, st.Batches)
	}
	closeStore(t, s)
	if got := read(t, dir); len(got) != many+1 {
		t.Errorf("%d records", len(got))
	}
}

func TestOldestSegmentsMakeRoom(t *testing.T) {
	dir := t.TempDir()
	const most = 64 << 10
	s := openStore(t, Config{Dir: dir, MaxBytes: most})
	for n := range 1000 {
		add(t, s, n)
		if n%100 == 0 {
			if size := folderSize(t, dir); size > most {
				t.Fatalf("the store has %d bytes after %d records", size, n)
			}
		}
	}
	st := s.Stats()
	closeStore(t, s)
	got := read(t, dir)
	if size := folderSize(t, dir); size > most || size != st.Bytes || st.Removed == 0 || size < most*9/10 {
		t.Errorf("%d bytes, %+v", size, st)
	}
	for i, n := range got {
		if n != got[0]+i {
			t.Fatalf("a record is missing before %d", n)
		}
	}
	if got[len(got)-1] != 999 {
		t.Errorf("the newest record is %d", got[len(got)-1])
	}
}

func TestOldRecordsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, Config{Dir: dir})
		for day := range 100 {
			add(t, s, day)
			time.Sleep(24 * time.Hour)
		}
		got := read(t, dir)
		if got[0] != 10 || len(got) != 90 {
			t.Errorf("the oldest record is of day %d, and there are %d", got[0], len(got))
		}
		time.Sleep(200 * 24 * time.Hour)
		synctest.Wait()
		if got := read(t, dir); len(got) > 1 {
			t.Errorf("%d records after half a year", len(got))
		}
		closeStore(t, s)
		s = openStore(t, Config{Dir: dir})
		add(t, s, 1)
		closeStore(t, s)
		var last uint64
		for r := range Read(dir) {
			last = r.Seq
		}
		if last != 101 {
			t.Errorf("the next record has the number %d", last)
		}
	})
}

func folderSize(t testing.TB, dir string) (n int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		n += info.Size()
	}
	return n
}

func TestEventThatIsTooLargeIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Config{Dir: dir})
	if err := s.Append(t.Context(), "note", note{Text: strings.Repeat("x", maxRecord)}); err == nil {
		t.Error("it was recorded")
	}
	add(t, s, 1)
	closeStore(t, s)
	wantNotes(t, dir, 1)
}

// Whatever happens to the disk and the program, a record that was acknowledged is there afterwards, and
// one that was not acknowledged is there at most once.
func TestAcknowledgedRecordsOutliveFaults(t *testing.T) {
	for seed := range int64(12) {
		random := rand.New(rand.NewSource(seed))
		dir := t.TempDir()
		acknowledged := map[int]bool{}
		n := 0
		for range 6 {
			s, d := sickStore(t, Config{Dir: dir})
			for range 20 {
				d.set(func(d *illness) {
					d.room, d.truncates, d.syncFails = -1, random.Intn(4) > 0, random.Intn(8) == 0
					if random.Intn(4) == 0 {
						d.room = random.Intn(200)
					}
				})
				n++
				if s.Append(t.Context(), "note", note{N: n}) == nil {
					acknowledged[n] = true
				}
			}
			d.set(func(d *illness) { d.room, d.truncates, d.syncFails = -1, true, false })
			closeStore(t, s)
			if names, err := segmentNames(dir); err == nil && len(names) > 0 && random.Intn(2) == 0 { // a crash in a write
				f, err := os.OpenFile(newest(t, dir), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(f, `{"seq":%d,"time":"2026-`, random.Intn(1000))
				f.Close()
			}
		}
		seen := map[int]int{}
		for _, n := range read(t, dir) {
			seen[n]++
		}
		for n := range acknowledged {
			if seen[n] != 1 {
				t.Fatalf("seed %d: record %d, which was acknowledged, is there %d times", seed, n, seen[n])
			}
		}
		for n, times := range seen {
			if times > 1 {
				t.Fatalf("seed %d: record %d is there %d times", seed, n, times)
			}
		}
	}
}

// crashDir tells the test binary, started again, to append until it is killed.
const crashDir = "SALLYPORT_AUDIT_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		appendForEver(dir)
	}
	os.Exit(m.Run())
}

// appendForEver writes the number of each record that is durable to standard output.
func appendForEver(dir string) {
	s, err := Open(Config{Dir: dir, MaxBytes: 1 << 30})
	if err != nil {
		panic(err)
	}
	first, _ := strconv.Atoi(os.Getenv("SALLYPORT_AUDIT_CRASH_FIRST"))
	var mu sync.Mutex
	for i := range 16 {
		go func() {
			for n := first + i; ; n += 16 {
				if err := s.Append(context.Background(), "note", note{N: n}); err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println(n)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// A kill -9 in the middle of many appends loses nothing that was acknowledged.
func TestKillLosesNothingThatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[int]bool{}
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("SALLYPORT_AUDIT_CRASH_FIRST=%d", round*1_000_000))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for got := 0; lines.Scan(); got++ {
			if got == 100 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("%q", lines.Text())
			}
			acknowledged[n] = true
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
	}
	if len(acknowledged) < 300 {
		t.Fatalf("only %d records were acknowledged", len(acknowledged))
	}
	closeStore(t, openStore(t, Config{Dir: dir}))
	there := map[int]bool{}
	for _, n := range read(t, dir) {
		if there[n] {
			t.Errorf("record %d is there twice", n)
		}
		there[n] = true
	}
	for n := range acknowledged {
		if !there[n] {
			t.Errorf("record %d was acknowledged and is gone", n)
		}
	}
}

// BenchmarkAppend is many callers at once; one operation is one durable record.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := openStore(b, Config{Dir: b.TempDir()})
			text := strings.Repeat("x", 400)
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			next := make(chan int)
			for range callers {
				all.Go(func() {
					for n := range next {
						if err := s.Append(context.Background(), "note", note{n, text}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for n := range b.N {
				next <- n
			}
			close(next)
			all.Wait()
			b.StopTimer()
			st := s.Stats()
			b.ReportMetric(float64(st.Records)/float64(max(st.Batches, 1)), "records/sync")
			closeStore(b, s)
		})
	}
}
