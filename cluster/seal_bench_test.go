package cluster

import (
	"bytes"
	"context"
	"testing"
)

// BenchmarkEnrolment reads a user with one record, as every login does twice, and opens the record, as
// every login does once.
func BenchmarkEnrolment(b *testing.B) {
	m := NewMemory(nil)
	ctx := context.Background()
	if err := m.Register(ctx, Registration{UserID: "corp:alice", Factor: "totp", Record: bytes.Repeat([]byte("r"), 40)}); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Enrolment(ctx, "corp:alice"); err != nil {
				b.Fatal(err)
			}
		}
	})
	e, err := m.Enrolment(ctx, "corp:alice")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := m.Record(ctx, e, "totp"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
