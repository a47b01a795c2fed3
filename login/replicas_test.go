package login_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/login"
)

// replicated is three nodes that serve a script in turn. None learns of what another has committed
// before it asks; the last of all is the administrator's, who sees everything.
type replicated struct {
	all     *cluster.Replicas
	engines []*login.Engine
	next    int
	// keepsUp says that the nodes learn of everything before each line.
	keepsUp bool
}

// serving is how many of the nodes serve logins.
const serving = 3

func newReplicatedWorld(t testing.TB) *world {
	var all *cluster.Replicas
	w := newWorldOn(t, func(now func() time.Time) ledgertest.Ledger {
		all = cluster.NewReplicas(serving+1, now)
		return all.Node(serving)
	})
	w.replicas, w.throttle = &replicated{all: all}, login.NewThrottle(0, 0, func() time.Time { return w.now })
	for n := range serving {
		w.replicas.engines = append(w.replicas.engines, w.newEngineOn(all.Node(n), login.Limits{}))
	}
	w.replicas.spread()
	return w
}

// turn chooses the node for a line of a script. What an administrator takes away is known everywhere
// before the next line, as is the passing of time; what is given is not.
func (r *replicated) turn(w *world, verb string) (after func()) {
	switch verb {
	case "begin", "answer":
	case "enrol", "issue", "unlock", "window":
		admin := r.all.Node(serving)
		admin.Advance(admin.Behind())
		return func() {}
	default:
		r.spread()
		return r.spread
	}
	if r.keepsUp {
		r.spread()
	}
	w.engine = r.engines[r.next%serving]
	r.next++
	return func() {}
}

// spread makes all nodes know everything.
func (r *replicated) spread() {
	for n := range serving + 1 {
		node := r.all.Node(n)
		node.Advance(node.Behind())
	}
}

// promptly are the scripts that look at what a prompt shows right after another node, or an administrator,
// made it so: who is locked, what is closed, how many attempts are left, on what a challenge was built.
func promptly() []string {
	return []string{"choosing", "clock", "d17-other-method", "expiry", "first-login-used-up", "locked-tells-nothing", "lockout", "r11-password-again", "s1-not-a-code"}
}

// Every conversation goes as it goes on one node, though each request meets another node, and none knows
// what the others have committed unless it asks.
func TestConversationsOnNodesThatLag(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := newReplicatedWorld(t)
			w.replicas.keepsUp = slices.Contains(promptly(), name)
			w.play(string(text))
		})
	}
}
