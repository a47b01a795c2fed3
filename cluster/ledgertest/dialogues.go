package ledgertest

import (
	"time"

	"sallyport/login"
)

// dialogues are the tests of New PIN and Next Tokencode modes.
func dialogues() map[string]func(*bench) {
	return map[string]func(*bench){
		"a dialogue goes on until its end":           dialogue,
		"one answer of a dialogue is on its way":     oneAtATime,
		"a dialogue ends when its outcome is lost":   lostDialogue,
		"a dialogue has an end":                      endlessDialogue,
		"a dialogue that goes on lives from then on": longDialogue,
	}
}

// next is the answer to the prompt of the dialogue with this sequence.
func (c challenge) next(token int, text string, sequence uint8) passcode {
	p := c.passcode(token, text)
	p.claim.Passcode = login.Tag{}
	p.settlement.Sequence = sequence
	return p
}

// asked is the outcome of an answer after which the server asks for more.
func asked(sequence uint8) login.Outcome {
	return login.Outcome{Code: login.CodePrompt, AttemptsLeft: 3, Sequence: sequence}
}

func ask(text string) login.Conclusion {
	return login.Conclusion{Code: login.CodePrompt, Dialogue: []byte(text)}
}

func dialogue(b *bench) {
	c := b.beginWith(alice, securid)
	p := c.passcode(1, "12345678755224")
	p.expect(claimed(3))
	p.conclude(ask("a new PIN"), asked(1))
	p.another().expect(again(asked(1)))
	got, found, err := b.Opened(b.Context(), c.base.Challenge)
	if err != nil || !found || string(got.Record) != "a new PIN" || got.Factor != securid || got.Sequence != 1 || got.Closed {
		b.Fatalf("opened: %+v, %v, %v", got, found, err)
	}
	pin := c.next(2, "4711", 1)
	pin.expect(claimed(3))
	pin.conclude(ask("the PIN again"), asked(2))
	repeat := c.next(3, "4711", 2) // the same text, and right
	repeat.expect(claimed(3))
	repeat.conclude(ask("the next tokencode"), asked(3))
	c.next(4, "287082", 2).expect(stale())
	last := c.next(5, "287082", 3)
	last.expect(claimed(3))
	last.conclude(login.Conclusion{Code: login.CodeAccepted, Grant: "Class"}, login.Outcome{Code: login.CodeAccepted, Grant: "Class"})
	pin.expect(again(asked(2))) // each answer has its verdict for ever
	if got, _, err := b.Opened(b.Context(), c.base.Challenge); err != nil || len(got.Record) != 0 || !got.Closed {
		b.Errorf("the dialogue outlives its end: %+v, %v", got, err)
	}
}

func oneAtATime(b *bench) {
	c := b.beginWith(alice, securid)
	p := c.passcode(1, "12345678755224")
	p.expect(claimed(3))
	p.conclude(ask("a new PIN"), asked(1))
	first := c.next(2, "4711", 1)
	first.expect(claimed(3))
	first.another().expect(pending(3))
	c.next(3, "4712", 1).expect(replayed(3))
	first.conclude(login.Conclusion{Code: login.CodeSecurIDRejected}, rejected(2))
	c.next(4, "4713", 1).expect(claimed(2))
}

func lostDialogue(b *bench) {
	c := b.beginWith(alice, securid)
	p := c.passcode(1, "12345678755224")
	p.expect(claimed(3))
	p.conclude(ask("a new PIN"), asked(1))
	lost := c.next(2, "4711", 1)
	lost.expect(claimed(3))
	b.clock.Advance(20 * time.Second)
	c.next(3, "4712", 1).expect(invalid()) // where the server stands is not known
	lost.another().expect(again(unavailable()))
	if got, _, err := b.Opened(b.Context(), c.base.Challenge); err != nil || !got.Closed {
		b.Errorf("still open: %+v, %v", got, err)
	}
}

func endlessDialogue(b *bench) {
	c := b.beginWith(alice, securid)
	for n := range uint8(16) {
		p := c.next(int(n), "more", n)
		p.expect(claimed(3))
		p.conclude(ask("more"), asked(n+1))
	}
	c.next(16, "more", 16).expect(exhausted())
	c.next(17, "more", 16).expect(invalid())
}

func longDialogue(b *bench) {
	c := b.beginWith(alice, securid)
	p := c.passcode(1, "12345678755224")
	p.expect(claimed(3))
	b.clock.Advance(10 * time.Second)
	p.settlement.Expires = b.clock.Now().Add(3 * time.Minute)
	p.conclude(ask("a new PIN"), asked(1))
	b.clock.Advance(2*time.Minute + 59*time.Second)
	c.next(2, "4711", 1).expect(claimed(3))
	b.clock.Advance(2 * time.Second)
	c.next(3, "4712", 1).expect(expired())
}
