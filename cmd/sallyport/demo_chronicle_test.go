package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheChronicleTellsHowLongItTook(t *testing.T) {
	var told strings.Builder
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	c := newChronicle(&told, func() time.Time { return now })
	c.started("node1", 100)
	c.leads("node1")
	if leader := c.begin(); leader != "node1" || told.Len() > 0 {
		t.Errorf("%q leads, and told was %q", leader, told.String())
	}
	later := func(d time.Duration) { now = now.Add(d) }
	c.ended("node1", "signal: killed")
	later(420 * time.Millisecond)
	c.leads("node2")
	later(5 * time.Second)
	c.started("node1", 200)
	c.ended("node3", "exit status 70")
	c.leads("node2")
	c.leads("node1")
	const want = `12:00:00.000 node1, the leader, died: signal: killed
12:00:00.420 node2 leads, 0.42 s after the leader died
12:00:05.420 node1 is started again, 5.42 s after it died: process 200
12:00:05.420 node3 died: exit status 70
12:00:05.420 node1 leads
`
	if told.String() != want {
		t.Errorf("told\n%s\nwant\n%s", told.String(), want)
	}
}

func TestTheLogOfANodeIsReadLineByLine(t *testing.T) {
	var told, errors strings.Builder
	tok, err := openToken(&board{w: &told}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tok.close(); err != nil {
			t.Error(err)
		}
	}()
	c := newChronicle(&told, time.Now)
	c.begin()
	l := &nodeLog{node: "node2", world: &demoWorld{token: tok}, history: c, errors: &errors}
	for _, piece := range []string{
		`{"level":"INFO","msg":"the node le`, `ads","node":"node2"}` + "\n" + `{"level":"ERROR","msg":"the disk is full"}`, "\n",
		`{"level":"INFO","event":"login","user":"erin","next":"passcode"}` + "\nsallyport: a fault\n",
		`{"level":"ERROR","msg":"failed to heartbeat","component":"raft","level":2}` + "\n",
		strings.Repeat("x", maxNodeLine+1) + "\n",
	} {
		if n, err := l.Write([]byte(piece)); err != nil || n != len(piece) {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if !strings.Contains(told.String(), "node2 leads\n") || !strings.Contains(told.String(), "erin's token") {
		t.Errorf("told\n%s", told.String())
	}
	for _, want := range []string{`node2: {"level":"ERROR","msg":"the disk is full"}`, "node2: sallyport: a fault"} {
		if !strings.Contains(errors.String(), want) {
			t.Errorf("no %s in\n%s", want, errors.String())
		}
	}
	if strings.Contains(errors.String(), "erin") || strings.Contains(errors.String(), "heartbeat") {
		t.Errorf("what nobody has to repair is passed on:\n%s", errors.String())
	}
}

func TestTheDemosNodesHaveAddressesOfTheirOwn(t *testing.T) {
	o := demoOptions{folder: t.TempDir(), listen: "127.0.0.1:0", status: "127.0.0.1:0"}
	nodes, err := makeDemoNodes(3, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range nodes {
		host := []string{"127.0.0.1:", "127.0.0.2:", "127.0.0.3:"}[i]
		for _, address := range []string{n.listen, n.status, n.cluster} {
			if !strings.HasPrefix(address, host) || strings.HasSuffix(address, ":0") {
				t.Errorf("%s has the address %s", n.node, address)
			}
		}
	}
	for _, args := range [][]string{{"--nodes", "0"}, {"--nodes", "99"}, {"--nodes", "3", "--state", t.TempDir()}} {
		if got := runProgram(t, "", append([]string{"demo"}, args...)...); got.code != exitUsage {
			t.Errorf("%v: exit %d, %s", args, got.code, got.stderr)
		}
	}
}
