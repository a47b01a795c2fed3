//go:build e2e

package hosts

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// reaches reports whether one host's packets reach another, and the answers come back.
func reaches(from, to *Host) bool {
	args := append(from.Within(), "ping", "-c", "1", "-W", "1", to.Address)
	return exec.Command(args[0], args[1:]...).Run() == nil
}

func TestEachHostReachesTheOthersAndTheRouter(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	if !reaches(a, b) || !reaches(b, a) {
		t.Error("the hosts do not reach one another")
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(a.Router)})
	if err != nil {
		t.Fatalf("the router has no address towards a: %v", err)
	}
	conn.Close()
}

func TestLossHasADirection(t *testing.T) {
	n := New(t)
	a, b, c := n.Host("a"), n.Host("b"), n.Host("c")
	if err := n.Lose(a, b); err != nil {
		t.Fatal(err)
	}
	before := received(t, b)
	if reaches(a, b) {
		t.Error("a still reaches b")
	}
	if n := received(t, b) - before; n != 0 {
		t.Errorf("%d packets from a reached b", n)
	}
	before = received(t, a)
	reaches(b, a)
	if received(t, a) == before {
		t.Error("nothing from b reached a")
	}
	if !reaches(a, c) || !reaches(b, c) {
		t.Error("others are cut off too")
	}
	if err := n.Heal(); err != nil {
		t.Fatal(err)
	}
	if !reaches(a, b) {
		t.Error("a does not reach b after the healing")
	}
}

// received counts the echo requests that a host has received.
func received(t *testing.T, h *Host) int {
	t.Helper()
	args := append(h.Within(), "awk", `/^Icmp:/ && seen++ {print $10}`, "/proc/self/net/snmp")
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range string(out) {
		if c >= '0' && c <= '9' {
			n = n*10 + int(c-'0')
		}
	}
	return n
}

func TestPartedHostsReachTheirOwnSideOnly(t *testing.T) {
	n := New(t)
	a, b, c := n.Host("a"), n.Host("b"), n.Host("c")
	if err := n.Part(a); err != nil {
		t.Fatal(err)
	}
	if reaches(a, b) || reaches(c, a) {
		t.Error("the parts reach one another")
	}
	if !reaches(b, c) {
		t.Error("one part is parted in itself")
	}
}

func TestAnUnpluggedHostIsReachedByNobody(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	if !reaches(b, a) {
		t.Fatal("b does not reach a to begin with")
	}
	if err := a.Unplug(); err != nil {
		t.Fatal(err)
	}
	if reaches(b, a) {
		t.Error("b reaches a")
	}
	if err := a.Plug(); err != nil {
		t.Fatal(err)
	}
	for tries := 0; !reaches(b, a); tries++ { // the carrier takes its time
		if tries == 5 {
			t.Fatal("b does not reach a that was plugged in again")
		}
	}
}

func TestADiskIsFullAndFreeAgain(t *testing.T) {
	d := NewDisk(t, filepath.Join(t.TempDir(), "disk"), 1<<20)
	if err := d.Fill(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.Dir, "data")
	if err := os.WriteFile(file, []byte("x"), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing to a full disk: %v, want ENOSPC", err)
	}
	if err := d.Free(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Errorf("writing to a disk that was freed: %v", err)
	}
}
