package faults_test

import (
	"errors"
	"testing"

	"sallyport/factors/internal/faults"
)

func TestEachFaultGetsTheKey(t *testing.T) {
	one, two, three := errors.New("one"), errors.New("two"), errors.New("three")
	got := faults.Keyed("url", errors.Join(one, errors.Join(two, three)))
	if text := errors.Join(got...).Error(); text != "url: one\nurl: two\nurl: three" || !errors.Is(got[2], three) {
		t.Errorf("got %q", text)
	}
	if got := faults.Keyed("url", nil); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}
