package login

import "testing"

func BenchmarkStateSealAndOpen(b *testing.B) {
	r := testRing(b, "c1", 5)
	tok := testToken(r)
	b.ReportAllocs()
	for b.Loop() {
		text, err := r.seal(tok)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.open(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTag(b *testing.B) {
	r := testRing(b, "c1", 5)
	part := []byte("some octets of an answer")
	b.ReportAllocs()
	for b.Loop() {
		if r.Tag(PurposeAnswer, part, part) == (Tag{}) {
			b.Fatal("zero")
		}
	}
}
