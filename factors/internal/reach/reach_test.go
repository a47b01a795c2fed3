package reach_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/factors/internal/reach"
)

func TestAuthoritiesComeFromAFileWithCertificates(t *testing.T) {
	if pool, err := reach.Authorities(""); pool != nil || err != nil {
		t.Errorf("without a file: %v, %v", pool, err)
	}
	empty, pipe := filepath.Join(t.TempDir(), "empty.pem"), filepath.Join(t.TempDir(), "pipe.pem")
	if err := os.WriteFile(empty, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		empty: "ca_file: " + empty + " holds no PEM certificate",
		pipe:  "ca_file: " + pipe + ": not a regular file",
	} {
		if _, err := reach.Authorities(file); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"": false, "localhost.example": false, "192.0.2.1": false, "::": false, "[::1]": false,
	} {
		if reach.Loopback(host) != want {
			t.Errorf("%q: want %t", host, want)
		}
	}
}

func TestPausesDoubleAndAreShortenedByUpToAQuarter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p reach.Pauses
		for _, most := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			began := time.Now()
			if !p.Wait(t.Context(), 0) {
				t.Fatal("ended")
			}
			if took := time.Since(began); took > most*time.Second || took <= most*time.Second*3/4 {
				t.Errorf("%v, want at most %ds, and more than three quarters of it", took, most)
			}
		}
		began := time.Now()
		if !p.Wait(t.Context(), time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("a minute was asked for: %v", time.Since(began))
		}
	})
}

func TestAPauseThatWouldOutlastTheDeliveryIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		var p reach.Pauses
		if p.Wait(ctx, 2*time.Minute) || time.Since(began) != 0 {
			t.Errorf("waited %v", time.Since(began))
		}
		stopped, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/2, stop)
		if p.Wait(stopped, time.Hour) || time.Since(began) != time.Second/2 {
			t.Errorf("waited %v", time.Since(began))
		}
	})
}
