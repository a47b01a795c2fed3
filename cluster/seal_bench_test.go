package cluster

import (
	"bytes"
	"context"
	"testing"
)

// BenchmarkEnrolment reads a user whose one record is opened: every login does it twice.
func BenchmarkEnrolment(b *testing.B) {
	m := NewMemory(nil)
	ctx := context.Background()
	if err := m.Register(ctx, Registration{UserID: "corp:alice", Factor: "totp", Record: bytes.Repeat([]byte("r"), 40)}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Enrolment(ctx, "corp:alice"); err != nil {
			b.Fatal(err)
		}
	}
}
