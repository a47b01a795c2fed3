package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAQuestionIsSharedByThoseWhoCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sharing
		asked := uint64(0)
		question := func() (uint64, error) {
			asked++
			number := asked
			<-time.After(time.Second)
			return number, nil
		}
		answers := make(chan uint64, 101)
		ask := func() {
			number, err := s.ask(t.Context(), question)
			if err != nil {
				t.Error(err)
			}
			answers <- number
		}
		go ask()
		synctest.Wait()
		for range 100 {
			go ask()
		}
		synctest.Wait()
		if first := <-answers; first != 1 {
			t.Errorf("the first got answer %d", first)
		}
		for range 100 {
			if number := <-answers; number != 2 {
				t.Errorf("one who came later got answer %d", number)
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times", asked)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.ask(ctx, question); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		<-time.After(time.Minute)
	})
}
