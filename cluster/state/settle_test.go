package state

import (
	"testing"

	"sallyport/login"
)

// enrolled is a machine in which alice's TOTP is registered: epoch 1, version 1.
func enrolled() *Machine { return enrolledAt(Level) }

// enrolledAt is enrolled in a cluster of this feature level.
func enrolledAt(level uint32) *Machine {
	m := foundedAt(level)
	m.Apply(2, EncodeBatch(0, [][]byte{Encode(&Register{UserID: "alice", Name: "Alice", Handle: login.Handle{1}, Factor: "totp", Record: []byte("sealed")})}))
	return m
}

// answer is a right answer of alice to challenge 1 under token 1, changed by the functions.
func answer(changes ...func(*Settle)) Command {
	c := &Settle{
		Challenge: login.ChallengeID{1}, Token: login.Tag{1}, Answer: login.Tag{1}, Client: "vpn", UserID: "alice",
		Handle: login.Handle{1}, ClusterEpoch: 1, Epoch: 1, Factor: "totp", Version: 1, Number: 10, Expires: 120 * second,
		Limits: Limits{Attempts: 3, SoftLock: 2, SoftLockFor: 60 * second, SoftLockMax: 3600 * second, HardLock: 6, Keep: 40 * second},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func wrong(c *Settle)    { c.Number = 0 }
func another(c *Settle)  { c.Challenge[0] = 2 }
func request(c *Settle)  { c.Request = login.Tag{9} }
func register(c *Settle) { c.Register = []byte("sealed anew") }
func capacity(c *Settle) { c.Limits.Capacity = 1 }
func foreign(c *Settle)  { c.Client = "wifi" }

func pass(c *Settle)    { c.Pass = true }
func decoy(c *Settle)   { c.Decoy = true }
func conceal(c *Settle) { c.Conceal = true }
func exempt(c *Settle)  { c.Number, c.Exempt = 0, "service accounts" }
func again(c *Settle)   { c.Again = login.Tag{8} }
func code(c *Settle)    { c.Number, c.Factor, c.Code = 0, login.CredentialRecovery, login.Tag{1} }

// candidate opens challenge 1 with a candidate.
func candidate() Command {
	return &Open{
		ID: login.ChallengeID{1}, UserID: "alice", Client: "vpn", Factor: "totp", Epoch: 1, Record: []byte("candidate"),
		Life: 600 * second, Keep: 40 * second,
	}
}

func under(n byte) func(*Settle)    { return func(c *Settle) { c.Token = login.Tag{n} } }
func text(n byte) func(*Settle)     { return func(c *Settle) { c.Answer = login.Tag{n} } }
func num(n uint64) func(*Settle)    { return func(c *Settle) { c.Number = n } }
func expires(s int64) func(*Settle) { return func(c *Settle) { c.Expires = s * second } }

// cancelOne cancels challenge 1.
func cancelOne() Command {
	return &Cancel{Challenge: login.ChallengeID{1}, Client: "vpn", UserID: "alice", Epoch: 1, Expires: 120 * second, Keep: 40 * second}
}

// left is a verdict after which so many answers are left.
func left(code login.Code, n int) login.Outcome {
	return login.Outcome{Code: code, AttemptsLeft: n}
}

// repeated is a verdict that was given before.
func repeated(o login.Outcome) login.Outcome {
	o.Repeated = true
	return o
}

// orderCase is an answer, at the given second, after what came before, at second 0.
type orderCase struct {
	name   string
	before []Command
	second int64
	answer Command
	want   login.Outcome
	stored uint64 // verdicts in all
}

func runOrder(t *testing.T, cases []orderCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := enrolled()
			m.apply(3, 0, c.before)
			got := m.apply(4, c.second*second, []Command{c.answer})[0]
			if got.Status != Done || got.Outcome != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if n := m.View().Sizes().Verdicts; n != c.stored {
				t.Errorf("%d verdicts are stored, want %d", n, c.stored)
			}
		})
	}
}

// TestTheOrderOfSettle has a case for each step of the order, and for each pair of steps whose order
// matters: the case says what came before, at second 0, and the answer comes at the given second.
func TestTheOrderOfSettle(t *testing.T) {
	var (
		accepted = login.Outcome{Code: login.CodeAccepted}
		invalid  = login.Outcome{Code: login.CodeStateInvalid}
		stale    = login.Outcome{Code: login.CodeStateInvalid, Stale: true}
		expired  = login.Outcome{Code: login.CodeStateExpired}
		replayed = login.Outcome{Code: login.CodeOTPReplayed}
	)
	twoWrong := []Command{answer(another, wrong), answer(another, wrong, text(2))} // locks for 60 s

	runOrder(t, []orderCase{
		{"1 another cluster epoch", nil, 0, answer(func(c *Settle) { c.ClusterEpoch = 2 }), invalid, 0},
		{"1 before 2", []Command{answer()}, 0, answer(func(c *Settle) { c.ClusterEpoch = 2 }), invalid, 1},
		{"2 the same answer", []Command{answer()}, 0, answer(), repeated(accepted), 1},
		{"2 the same wrong answer", []Command{answer(wrong)}, 0, answer(wrong), repeated(left(login.CodeOTPInvalid, 2)), 1},
		{"2 the same packet", []Command{answer(request)}, 0, answer(request, another), repeated(accepted), 1},
		{"2 the same packet of another client", []Command{answer(request)}, 0, answer(request, another, foreign), invalid, 1},
		{"2 another client", []Command{answer(wrong)}, 0, answer(foreign), invalid, 1},
		{"2 void after a reset", []Command{answer(), &Reset{UserID: "alice"}}, 0, answer(), stale, 1},
		{"2 accepted, under another token", []Command{answer()}, 0, answer(under(2)), replayed, 1},
		{"2 accepted, under another token, wrong", []Command{answer()}, 0, answer(under(2), wrong, text(2)), replayed, 1},
		{"2 accepted and reset, under another token", []Command{answer(), &Reset{UserID: "alice"}}, 0, answer(under(2)), stale, 1},
		{"2 wrong before, under another token", []Command{answer(wrong)}, 0, answer(under(2), wrong), repeated(left(login.CodeOTPInvalid, 2)), 2},
		{"2 before 3, after registering", []Command{answer(register)}, 0, answer(register), repeated(accepted), 1},
		{"2 before 4", []Command{answer()}, 121, answer(), repeated(accepted), 1},
		{"2 before 5", append([]Command{answer()}, twoWrong...), 0, answer(), repeated(accepted), 3},
		{"3 another epoch", nil, 0, answer(func(c *Settle) { c.Epoch = 0 }), stale, 0},
		{"3 another version", nil, 0, answer(func(c *Settle) { c.Version = 2 }), stale, 0},
		{"3 a user never seen", nil, 0, answer(func(c *Settle) { c.UserID = "bob" }), stale, 0},
		{"3 before 4", nil, 121, answer(func(c *Settle) { c.Epoch = 0 }), stale, 0},
		{"4 expired", nil, 121, answer(), expired, 0},
		{"4 the stored end counts", []Command{answer(wrong, expires(60))}, 61, answer(text(2)), expired, 1},
		{"4 at the last moment", nil, 120, answer(), accepted, 1},
		{"4 cancelled", []Command{cancelOne()}, 0, answer(), invalid, 0},
		{"4 exhausted", []Command{answer(wrong, register), answer(wrong, register, text(2)), answer(wrong, register, text(3))}, 0, answer(text(4)), invalid, 3},
		{"4 accepted, same token, another answer", []Command{answer()}, 0, answer(text(2), num(11)), invalid, 1},
		{"4 before 5", twoWrong, 0, answer(expires(-1)), expired, 2},
		{"5 locked, right", twoWrong, 59, answer(), left(login.CodeAccountLocked, 3), 3},
		{"5 locked, wrong", twoWrong, 59, answer(wrong), left(login.CodeAccountLocked, 3), 3},
		{"5 the lock has ended", twoWrong, 60, answer(), accepted, 3},
		{"6 a newer number", []Command{answer(another, num(9))}, 0, answer(), accepted, 2},
		{"6 registering, an older number", []Command{answer(another, num(11))}, 0, answer(register), accepted, 2},
		{"7 a used number", []Command{answer(another)}, 0, answer(), left(login.CodeOTPReplayed, 3), 2},
		{"7 an older number", []Command{answer(another, num(11))}, 0, answer(), left(login.CodeOTPReplayed, 3), 2},
		{"7 wrong", nil, 0, answer(wrong), left(login.CodeOTPInvalid, 2), 1},
		{"7 wrong, the last one", []Command{answer(wrong, register), answer(wrong, register, text(2))}, 0, answer(wrong, register, text(3)), left(login.CodeAttemptsExhausted, 0), 3},
	})
}

// TestTheOrderOfSettleWithMoreThanNumbers is the same for passes, codes, decoys and candidates.
func TestTheOrderOfSettleWithMoreThanNumbers(t *testing.T) {
	var (
		accepted = login.Outcome{Code: login.CodeAccepted}
		stale    = login.Outcome{Code: login.CodeStateInvalid, Stale: true}
	)
	twoWrong := []Command{answer(another, wrong), answer(another, wrong, text(2))} // locks for 60 s
	runOrder(t, []orderCase{
		{"2 again, in another challenge", []Command{answer(again)}, 0, answer(again, another), repeated(accepted), 1},
		{"2 again, after the first has ended", []Command{answer(again, expires(9))}, 10, answer(again, another), left(login.CodeOTPReplayed, 3), 2},
		{"2 before 3, a pass", []Command{answer(pass)}, 0, answer(pass), repeated(left(login.CodePrompt, 3)), 1},
		{"3 another candidate", []Command{candidate()}, 0, answer(register, func(c *Settle) { c.Sequence = 1 }), stale, 0},
		{"3 no such invitation", nil, 0, answer(register, func(c *Settle) { c.Invitation = login.Tag{1} }), stale, 0},
		{"3 before 4, another candidate", []Command{candidate()}, 610, answer(register, func(c *Settle) { c.Sequence = 1 }), stale, 0},
		{"5 a decoy, right", nil, 0, answer(decoy), left(login.CodeOTPInvalid, 2), 1},
		{"5 a decoy of another epoch", nil, 0, answer(decoy, func(c *Settle) { c.Epoch, c.Version = 0, 0 }), left(login.CodeOTPInvalid, 2), 1},
		{"5 a decoy, exempt", nil, 0, answer(decoy, exempt), left(login.CodeOTPInvalid, 2), 1},
		{"5 locked and concealed, right", twoWrong, 59, answer(conceal), left(login.CodeOTPInvalid, 2), 3},
		{"5 an exemption has no lock", twoWrong, 59, answer(exempt), accepted, 2},
		{"6 a pass", nil, 0, answer(pass), left(login.CodePrompt, 3), 1},
		{"7 passed before, under another token", []Command{answer(pass)}, 0, answer(pass, under(2)), left(login.CodeOTPReplayed, 3), 2},
		{"7 no such code", nil, 0, answer(code), left(login.CodeOTPInvalid, 2), 1},
	})
}

func TestAFullMachineTakesNoNewChallenge(t *testing.T) {
	m := enrolled()
	m.apply(3, 0, []Command{answer(wrong)})
	for i, c := range []struct {
		command Command
		want    Status
	}{
		{answer(another, capacity), Full},
		{&Open{ID: login.ChallengeID{3}, UserID: "alice", Client: "vpn", Capacity: 1}, Full},
		{&Cancel{Challenge: login.ChallengeID{3}, Client: "vpn", UserID: "alice", Epoch: 1, Expires: second, Capacity: 1}, Done}, // and is not stored
		{answer(capacity, text(2)), Done}, // a known challenge goes on
	} {
		if got := m.apply(4, 0, []Command{c.command})[0].Status; got != c.want {
			t.Errorf("command %d: status %d, want %d", i, got, c.want)
		}
	}
	if n := m.View().Sizes().Challenges; n != 1 {
		t.Errorf("%d challenges are stored, want 1", n)
	}
}

func TestWrongAnswersToARegistrationAreNotTheUsers(t *testing.T) {
	m := enrolled()
	m.apply(3, 0, []Command{answer(wrong, register), answer(wrong, register, text(2))})
	if c := m.View().User("alice").Credential("totp"); c.Failures != 0 || c.LockedUntil != 0 {
		t.Errorf("credential %+v", c)
	}
}

func TestWrongAnswersToARegistrationCountWhereTheyAreGuesses(t *testing.T) {
	count := func(c *Settle) { c.Count = true }
	runOrder(t, []orderCase{
		{"right", nil, 0, answer(register, count), login.Outcome{Code: login.CodeAccepted}, 1},
		{"one wrong", nil, 0, answer(register, count, wrong), left(login.CodeOTPInvalid, 2), 1},
		{
			"locked by two, right", []Command{answer(another, register, count, wrong), answer(another, register, count, wrong, text(2))}, 0,
			answer(register, count), left(login.CodeAccountLocked, 3), 3,
		},
		{
			"another candidate, wrong", []Command{candidate()}, 0,
			answer(register, count, wrong, func(c *Settle) { c.Sequence = 1 }), login.Outcome{Code: login.CodeStateInvalid, Stale: true}, 0,
		},
	})
}

func TestHowManyMoreWrongAnswersLock(t *testing.T) {
	for _, c := range []struct {
		soft, hard, failures uint32
		want                 uint64
	}{
		{5, 50, 0, 5}, {5, 50, 4, 1}, {5, 50, 5, 5}, {5, 50, 49, 1}, {5, 7, 5, 2}, {0, 7, 5, 2}, {5, 0, 8, 2},
		{5, 7, 9, 1}, // the limit was lowered meanwhile
		{0, 0, 9, 1<<64 - 1}, {0, 1<<32 - 1, 1<<32 - 1, 1},
	} {
		if got := (Limits{SoftLock: c.soft, HardLock: c.hard}).untilLock(c.failures); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestLengthOfALock(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		n      uint32
		want   int64
	}{
		{Limits{SoftLockFor: 60, SoftLockMax: 3600}, 1, 60},
		{Limits{SoftLockFor: 60, SoftLockMax: 3600}, 6, 1920},
		{Limits{SoftLockFor: 60, SoftLockMax: 3600}, 7, 3600},
		{Limits{SoftLockFor: 60, SoftLockMax: 3600}, 1<<32 - 1, 3600},
		{Limits{SoftLockFor: 60}, 5, 60},
		{Limits{SoftLockMax: 3600}, 5, 0},
		{Limits{SoftLockFor: -1, SoftLockMax: 10}, 2, 0},
		{Limits{SoftLockFor: 1, SoftLockMax: 1<<63 - 1}, 1<<32 - 1, 1<<63 - 1},
	} {
		if got := c.limits.lockFor(c.n); got != c.want {
			t.Errorf("lock %d of %+v: %d, want %d", c.n, c.limits, got, c.want)
		}
	}
}

func TestTimesDoNotOverflow(t *testing.T) {
	const end = 1<<63 - 1
	for _, c := range [][3]int64{{1, 2, 3}, {1, -2, 1}, {end, 1, end}, {end - 5, 9, end}, {-5, 3, -2}} {
		if got := later(c[0], c[1]); got != c[2] {
			t.Errorf("later(%d, %d) is %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
