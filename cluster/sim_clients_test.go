package cluster

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"sallyport/cluster/state"
	"sallyport/login"
)

// simRound is how long the same users log in; then come others, so that nobody's room is used up.
const simRound = 700 * time.Millisecond

// client asks nodes, any of them, and again when it is told nothing.
type client struct {
	*sim
	dice *rand.Rand
}

func (s *sim) newClient(i int) *client { return &client{s, s.newDice(uint64(10 + i))} }

// live asks until ctx ends.
func (c *client) live(ctx context.Context) {
	for wait(ctx, between(c.dice, 1, 60)) == nil {
		switch n := c.dice.IntN(100); {
		case n < 55:
			c.login(ctx)
		case n < 65:
			c.guess(ctx)
		case n < 80:
			c.forward(ctx)
		case n < 92:
			c.send(ctx)
		default:
			c.repeat(ctx)
		}
	}
}

func (c *client) tag() (t login.Tag) {
	binary.BigEndian.PutUint64(t[:], c.dice.Uint64())
	binary.BigEndian.PutUint64(t[8:], c.dice.Uint64())
	return t
}

// user is one of those who are about at this time.
func (c *client) user(kind string, of int) string {
	return fmt.Sprintf("corp:%s%d-%d", kind, time.Since(c.began)/simRound, c.dice.IntN(of))
}

// settlement is an answer to a challenge of its own.
func (c *client) settlement(user, factor string, number uint64) login.Settlement {
	return login.Settlement{
		Challenge: login.ChallengeID(c.tag()), Token: c.tag(), Answer: c.tag(), Request: c.tag(),
		Client: "vpn", UserID: user, Name: user, Handle: c.ring.Handle(user), ClusterEpoch: c.epoch(),
		Factor: factor, Number: number, Expires: c.began.Add(2 * time.Hour),
		Limits: login.Limits{Attempts: 5, Keep: 2 * time.Hour},
	}
}

// epoch is the newest of the cluster that a node knows.
func (s *sim) epoch() (newest uint32) {
	for _, h := range s.hosts {
		if l := h.running(); l != nil {
			newest = max(newest, l.node.machine.View().Meta().Epoch)
		}
	}
	return newest
}

// at asks one node, and reports whether it was told something.
func (c *client) at(ctx context.Context, ask func(context.Context, *life) error) bool {
	h := c.hosts[c.dice.IntN(len(c.hosts))]
	patience := between(c.dice, 50, 1500)
	l := h.running()
	if l == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := ask(ctx, l)
	return err == nil
}

// ask asks nodes in turn until one says something, as long as the client has patience.
func (c *client) ask(ctx context.Context, ask func(context.Context, *life) error) bool {
	for range 1 + c.dice.IntN(8) {
		if c.at(ctx, ask) {
			return true
		}
		if wait(ctx, between(c.dice, 1, 40)) != nil {
			return false
		}
	}
	return false
}

// ledgerOf is the ledger of a node, or one that judges answers by the node's own state and commits them
// later: the mistake that is to be found.
func (s *sim) ledgerOf(l *life) *ledger {
	sound := l.node.ledger
	if !s.broken {
		return sound
	}
	return &ledger{
		machine: sound.machine, sealer: sound.sealer, clock: sound.clock, keyLife: sound.keyLife,
		readable: sound.readable, refresh: sound.refresh, solo: sound.solo,
		propose: func(ctx context.Context, command state.Command) (state.Result, error) {
			if _, ok := command.(*state.Settle); !ok {
				return sound.propose(ctx, command)
			}
			s.ending.Go(func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer cancel()
				_, _ = sound.propose(ctx, command)
			})
			view := sound.machine.View()
			entry := state.EncodeBatch(sound.Now().UnixNano(), [][]byte{state.Encode(command)})
			return state.NewFrom(view).Apply(view.Index()+1, entry)[0], nil
		},
	}
}

// settle gives an answer to a node.
func (c *client) settle(a *answer) func(context.Context, *life) error {
	return func(ctx context.Context, l *life) error {
		o, err := c.ledgerOf(l).Settle(ctx, a.settlement)
		return c.hear(l, err, func() { c.book.judged(l.name, a, o, c.epoch()) })
	}
}

// hear takes what a node says, unless it died before it could say it.
func (c *client) hear(l *life, err error, said func()) error {
	if err != nil {
		return err
	}
	if l.dead() {
		return errWireDead
	}
	said()
	return nil
}

// login gives a right answer with one of few codes, which others use as well.
func (c *client) login(ctx context.Context) {
	user := c.user("user", 2)
	s := c.settlement(user, "totp", uint64(1+c.dice.IntN(6)))
	found := c.at(ctx, func(ctx context.Context, l *life) error {
		e, err := l.node.Enrolment(ctx, user)
		s.Epoch, s.Version = e.Epoch, e.Credentials["totp"].Version
		return err
	})
	if !found {
		return
	}
	a := c.book.begin(s, nil)
	c.ask(ctx, c.settle(a))
	if c.dice.IntN(4) == 0 { // another packet with the same code in the same challenge
		s.Token, s.Answer, s.Request = c.tag(), c.tag(), c.tag()
		c.ask(ctx, c.settle(c.book.begin(s, nil)))
	}
}

// guess gives wrong answers, and now and then a right one, for users whom three lock for good.
func (c *client) guess(ctx context.Context) {
	s := c.settlement(c.user("guessed", 1), "totp", 0)
	s.Limits.HardLock = 3
	if c.dice.IntN(3) == 0 {
		s.Number = uint64(1 + c.dice.IntN(50))
	}
	c.ask(ctx, c.settle(c.book.begin(s, nil)))
}

// repeat gives an answer again that was given before.
func (c *client) repeat(ctx context.Context) {
	c.book.mu.Lock()
	all := slices.Clone(c.book.answers)
	c.book.mu.Unlock()
	if len(all) > 0 {
		a := all[c.dice.IntN(len(all))]
		if a.claim == nil {
			c.ask(ctx, c.settle(a))
			return
		}
		c.ask(ctx, c.claim(a, *a.claim, new(bool)))
	}
}

// forward claims a passcode that others claim too, and says what became of it.
func (c *client) forward(ctx context.Context) {
	user := c.user("rsa", 2)
	claim := login.Claim{Act: c.tag(), Passcode: c.ring.Tag(login.PurposePasscode, []byte(user), []byte{byte(c.dice.IntN(3))}), Within: time.Hour}
	a := c.book.begin(c.settlement(user, "securid", 0), &claim)
	mine := false
	c.ask(ctx, c.claim(a, claim, &mine))
	if !mine {
		return
	}
	_ = wait(ctx, between(c.dice, 1, 200)) // the server judges
	code := []login.Code{login.CodeAccepted, login.CodeSecurIDRejected}[c.dice.IntN(2)]
	c.ask(ctx, func(ctx context.Context, l *life) error {
		o, err := l.node.Conclude(ctx, a.settlement, login.Conclusion{Act: claim.Act, Code: code, Grant: "grant"})
		return c.hear(l, err, func() { c.book.judged(l.name, a, o, c.epoch()) })
	})
}

func (c *client) claim(a *answer, claim login.Claim, mine *bool) func(context.Context, *life) error {
	return func(ctx context.Context, l *life) error {
		o, err := l.node.Claim(ctx, a.settlement, claim)
		return c.hear(l, err, func() {
			c.book.judged(l.name, a, o, c.epoch())
			if *mine = o.Claimed; o.Claimed {
				c.book.claimed(a, claim)
			}
		})
	}
}

// simSends is how many codes a user may be sent in a simulation.
const simSends = 2

// send asks for a code.
func (c *client) send(ctx context.Context) {
	user := c.user("phone", 2)
	o := login.Opening{
		ID: login.ChallengeID(c.tag()), UserID: user, Name: user, Handle: c.ring.Handle(user), Client: "vpn", Factor: "sms",
		Life: time.Hour, Keep: time.Hour, Key: c.tag(),
		Send: &login.Send{Act: c.tag(), Limits: login.SendLimits{User: login.SendRate{Hour: simSends}}},
	}
	c.ask(ctx, func(ctx context.Context, l *life) error {
		got, err := l.node.Open(ctx, o)
		return c.hear(l, err, func() {
			if got.Fresh {
				c.book.delivered(user, o.Send.Act, got.Sends[len(got.Sends)-1], simSends)
			}
		})
	})
}

// insist asks a node until it says something, now that all is well.
func (s *sim) insist(l *life, ask func(context.Context, *life) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), simCalm)
	defer cancel()
	for {
		err := ask(ctx, l)
		if err == nil || isShed(err) {
			return nil
		}
		if wait(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("%s does not answer although all is well: %w", l.name, err)
		}
	}
}

// recheck gives every answer once more, now that all is well: none has another verdict than it had.
func (s *sim) recheck() error {
	c := s.newClient(simClients)
	for _, a := range s.book.answers {
		ask := c.settle(a)
		if a.claim != nil {
			ask = c.claim(a, *a.claim, new(bool))
		}
		if err := s.insist(s.hosts[c.dice.IntN(len(s.hosts))].running(), ask); err != nil {
			return err
		}
	}
	return s.checkRegistrations()
}
