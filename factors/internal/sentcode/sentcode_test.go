package sentcode_test

import (
	"testing"
	"time"

	"sallyport/factors/internal/sentcode"
)

// The vectors of RFC 6238 Appendix B for SHA-256 are HOTP values of the time step under a key of 32
// octets.
func TestVectors(t *testing.T) {
	key := []byte("12345678901234567890123456789012")
	for number, want := range map[uint64]string{
		0x1: "46119246", 0x23523EC: "68084774", 0x23523ED: "67062674", 0x273EF07: "91819424",
		0x3F940AA: "90698825", 0x27BC86AA: "77737706",
	} {
		got, err := sentcode.Code(key, number, 8)
		if err != nil || got != want {
			t.Errorf("Code(%#x) = %q, %v; want %q", number, got, err, want)
		}
	}
}

func TestMinutesAreRoundedDown(t *testing.T) {
	for life, want := range map[time.Duration]int{0: 1, 59 * time.Second: 1, 119 * time.Second: 1, 2 * time.Minute: 2, 5 * time.Minute: 5} {
		if got := sentcode.Minutes(life); got != want {
			t.Errorf("%v: %d, want %d", life, got, want)
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	for _, digits := range []int{0, 5, 9} {
		if code, err := sentcode.Code([]byte("key"), 1, digits); err == nil {
			t.Errorf("%d digits gave %q", digits, code)
		}
	}
}
