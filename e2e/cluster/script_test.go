//go:build e2e

package cluster

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// script is how long the tests go on. The zero values of the environment are the short form.
//
//	SALLYPORT_SOAK         how long faults follow one another, such as "24h"
//	SALLYPORT_SOAK_SEED    the first seed; without it, one that is printed
//	SALLYPORT_SOAK_ROUNDS  how many rounds tests have that repeat one thing
//	SALLYPORT_SOAK_DIR     where drawings of histories that do not fit are kept
type script struct {
	lasts  time.Duration
	seed   uint64
	rounds int
}

// readScript reads the environment. rounds is the short form's number of rounds.
func readScript(t *testing.T, rounds int) script {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sc := script{seed: rand.Uint64(), rounds: rounds}
	var err error
	if text := os.Getenv("SALLYPORT_SOAK"); text != "" {
		sc.lasts, err = time.ParseDuration(text)
		must(err)
	}
	if text := os.Getenv("SALLYPORT_SOAK_SEED"); text != "" {
		sc.seed, err = strconv.ParseUint(text, 10, 64)
		must(err)
	}
	if text := os.Getenv("SALLYPORT_SOAK_ROUNDS"); text != "" {
		sc.rounds, err = strconv.Atoi(text)
		must(err)
	}
	t.Logf("SALLYPORT_SOAK_SEED=%d", sc.seed)
	return sc
}

// drawing is where a history that does not fit is drawn.
func drawing(s *site) string {
	dir := os.Getenv("SALLYPORT_SOAK_DIR")
	if dir == "" {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "sallyport-history-"+filepath.Base(s.Name())+".html")
}
