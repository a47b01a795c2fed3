package procs

import (
	"os"
	"testing"
	"time"
)

func TestOwnTimeAgreesWithProc(t *testing.T) {
	p := Process{"self", os.Getpid()}
	work := byte(0)
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		work++
	}
	proc, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	own, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	if diff := own - proc; diff < -3*tick || diff > 3*tick || own < tick {
		t.Errorf("/proc says %v, getrusage %v (after %d rounds)", proc, own, work)
	}
	if rss, err := p.PeakRSS(); err != nil || rss < 1<<20 {
		t.Errorf("RSS %d, %v", rss, err)
	}
}

func TestProcessListIsRead(t *testing.T) {
	all, err := Parse("slapd=12, 34")
	if err != nil || len(all) != 2 || all[0] != (Process{"slapd", 12}) || all[1] != (Process{"34", 34}) {
		t.Errorf("%v, %v", all, err)
	}
	for _, bad := range []string{"slapd", "slapd=", "slapd=-1"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAnEndedProcessIsAnError(t *testing.T) {
	if _, err := (Process{"nobody", 1 << 30}).CPU(); err == nil {
		t.Error("CPU time of a process that is not there")
	}
}
