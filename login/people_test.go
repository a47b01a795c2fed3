package login_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/factors/totp"
	"sallyport/login"
)

// people are who logs in during a simulation, and what is known of them apart from the engines.
type people struct {
	s       *simulation
	all     []*person
	packets []*packet
	prompts []prompt
	accepts int
	// fault is the first thing that must not be.
	fault error
}

// person is somebody with an authenticator app.
type person struct {
	name string
	// keys are those that the app was ever given.
	keys []string
	// in are the packets that were accepted, by time step.
	in map[int64]*packet
	// registered says that the person was told so.
	registered bool
}

func (p *person) id() string { return "test:" + p.name }

// prompt is a challenge that a person was shown.
type prompt struct {
	of    *person
	reply login.Reply
	key   string // of the candidate; "" where none was shown
	epoch uint32 // of the user, as the node knew it before
	at    time.Time
}

// packet is an answer, or a login in one request, which may be sent more than once.
type packet struct {
	prompt
	number int
	text   string
	atOnce bool
	// step is the time step whose code it is; 0 where it is no right one.
	step int64
	// typed is the time step in which it was sent first.
	typed int64
	// told is the first reply that the client had, toldEpoch the user's epoch then.
	told      string
	toldEpoch uint32
}

// trial is one sending of a packet.
type trial struct {
	*packet
	// before is the epoch of the user, and drifted whether the clock of the app was far off, when it began.
	before  uint32
	drifted bool
}

func newPeople(s *simulation) people {
	all := []*person{{name: "alice", keys: []string{aliceKey}}, {name: "bob"}, {name: "carol"}}
	for _, p := range all {
		p.in = map[int64]*packet{}
	}
	return people{s: s, all: all}
}

func (w *people) pick() *person { return w.all[w.s.rng.IntN(len(w.all))] }

// wrongly notes what must not be.
func (w *people) wrongly(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
		w.s.tell("this must not be: %v", w.fault)
	}
}

// known is what a node knows of a user, newest what the log has.
func (w *people) known(node int, p *person) login.Enrolment {
	e, err := w.s.all.Node(node).Enrolment(w.s.t.Context(), p.id())
	w.s.must(err)
	return e
}

func (w *people) newest(p *person) login.Enrolment {
	admin := w.s.all.Node(serving)
	admin.Advance(admin.Behind())
	return w.known(serving, p)
}

// keyOf is the key that is registered; "" where none is.
func (w *people) keyOf(p *person) string {
	record, err := w.s.all.Node(serving).Record(w.s.t.Context(), w.newest(p), totp.Name)
	w.s.must(err)
	for _, key := range p.keys {
		known, err := totp.ParseKey(strings.ReplaceAll(key, " ", ""))
		w.s.must(err)
		if bytes.Equal(known, record) {
			return key
		}
	}
	return ""
}

// drift is what was learned of the clock of a person's app, in time steps.
func drift(e login.Enrolment) int {
	if memo := e.Credentials[totp.Name].Memo; len(memo) > 0 {
		return int(int8(memo[0]))
	}
	return 0
}

// farOff reports whether the learned drift leaves the step of the clock outside the window.
func farOff(e login.Enrolment) bool {
	return drift(e) < -totp.StepsBehind || drift(e) > totp.StepsAhead
}

// somebodyActs begins a login, answers a prompt, or sends again what was sent before.
func (w *people) somebodyActs() {
	node, n := w.s.rng.IntN(serving), w.s.rng.IntN(10)
	switch {
	case n < 3 || len(w.prompts) == 0:
		p := w.pick()
		w.s.start(func() { w.begin(node, p) })
	case n < 4:
		w.inOneRequest(node, w.pick())
	case n < 7 || len(w.packets) == 0:
		w.answer(node, w.prompts[len(w.prompts)-1-w.s.rng.IntN(min(len(w.prompts), 4))])
	default:
		again := w.packets[len(w.packets)-1-w.s.rng.IntN(min(len(w.packets), 4))]
		w.s.start(func() { w.send(node, again) })
	}
}

func (w *people) begin(node int, p *person) {
	shown, registered := prompt{of: p, epoch: w.known(node, p).Epoch, at: w.s.now}, p.registered
	reply, err := w.s.engines[node].Begin(w.s.t.Context(), login.Request{
		Origin: login.Origin{Client: "vpn", Policy: "staff"}, Username: p.name, Password: "right",
	})
	w.s.tell("node %d: %s begins: %s %s %v", node, p.name, reply.Verdict, reply.Prompt.Step, err)
	if shown.reply = reply; reply.Prompt.Step == login.StepRegisterTOTP {
		shown.key = reply.Prompt.SecretKey.Reveal()
		p.keys = append(p.keys, shown.key)
		if registered {
			w.wrongly("%s was registered and is shown another key", p.name)
		}
	}
	if err == nil && reply.Verdict == login.Challenge {
		w.prompts = append(w.prompts, shown)
	}
}

// answer types something at a prompt: mostly the code of now.
func (w *people) answer(node int, at prompt) {
	w.post(node, packet{prompt: at}, w.s.rng.IntN(whatever))
}

// inOneRequest types password and code together.
func (w *people) inOneRequest(node int, p *person) {
	w.post(node, packet{prompt: prompt{of: p, epoch: w.known(node, p).Epoch, at: w.s.now}, atOnce: true}, w.s.rng.IntN(whatever))
}

// What is typed: below theOneBefore it is the code of now.
const (
	theOneBefore = 6
	theNext      = 7
	aWrongOne    = 8
	whatever     = 10
)

// post makes a packet and sends it.
func (w *people) post(node int, a packet, what int) {
	clock, key := w.clock(), a.key
	if key == "" {
		key = w.keyOf(a.of)
	}
	if key == "" {
		return // nothing to be right: the person waits
	}
	switch a.typed = clock; {
	case what < theOneBefore:
		a.step = clock
	case what < theNext:
		a.step = clock - 1
	case what < aWrongOne:
		a.step = clock + 1
	}
	a.text = w.codeOf(key, clock, a.step)
	for _, b := range w.packets {
		if !a.atOnce && b.reply.State == a.reply.State && b.text == a.text { // the same answer to the same prompt
			w.s.start(func() { w.send(node, b) })
			return
		}
	}
	a.number = len(w.packets) + 1
	w.packets = append(w.packets, &a)
	w.s.start(func() { w.send(node, &a) })
}

// clock is the time step of now.
func (w *people) clock() int64 { return w.s.now.Unix() / int64(totp.TimeStep/time.Second) }

// codeOf is the code of a time step, or for 0 one that is right at no step near the clock.
func (w *people) codeOf(key string, clock, step int64) string {
	code := func(step int64) string {
		text, err := totpCode(key, time.Unix(step*int64(totp.TimeStep/time.Second), 0))
		w.s.must(err)
		return text
	}
	if step != 0 {
		return code(step)
	}
	var right []string
	for near := clock - 8; near <= clock+8; near++ {
		right = append(right, code(near))
	}
	for n := 0; ; n++ {
		if text := fmt.Sprintf("%06d", n); !slices.Contains(right, text) {
			return text
		}
	}
}

// hasEnded is what a client is told of a challenge that has ended.
const hasEnded = "reject " + string(login.CodeStateInvalid)

// send sends a packet to a node, and looks at the reply.
func (w *people) send(node int, a *packet) {
	user := w.newest(a.of)
	try := trial{packet: a, before: user.Epoch, drifted: farOff(user)}
	origin := login.Origin{Client: "vpn", Policy: "staff"}
	var reply login.Reply
	var err error
	if a.atOnce {
		origin.Mode, origin.RequestKey = login.ModeAppend, login.Tag{0: byte(a.number), 1: byte(a.number >> 8), 15: 1}
		reply, err = w.s.engines[node].Begin(w.s.t.Context(), login.Request{Origin: origin, Username: a.of.name, Password: "right," + a.text})
	} else {
		reply, err = w.s.engines[node].Continue(w.s.t.Context(), login.Answer{Origin: origin, State: a.reply.State, Text: a.text})
	}
	told := fmt.Sprintf("%s %s", reply.Verdict, reply.Code)
	switch {
	case err != nil:
		told = "silence"
	case reply.Code == login.CodeStateExpired: // a closed challenge expires as well
		told = hasEnded
	}
	w.s.tell("node %d: packet %d, %s, step %d: %s", node, a.number, a.of.name, a.step, told)
	if err == nil {
		w.judge(try, reply, told)
	}
}

// judge compares a reply with what must be.
func (w *people) judge(a trial, reply login.Reply, told string) {
	user := w.newest(a.of)
	unchanged, kept := user.Epoch == a.before, login.DefaultKeep
	if !a.atOnce {
		kept += login.DefaultChallengeLife
	}
	switch kept := w.s.now.Sub(a.at) < kept; {
	case a.told == "":
		a.packet.told, a.packet.toldEpoch = told, a.before
	case a.key != "" && told == hasEnded: // a candidate is not shown again
	case unchanged && a.toldEpoch == a.before && kept && told != a.told:
		w.wrongly("packet %d was told %q first, and now %q", a.number, a.told, told)
	}
	switch {
	case reply.Verdict == login.Accept:
		w.accepted(a.packet, reply)
	case unchanged && a.before == a.epoch && !a.drifted && !farOff(user) && w.mustBeRight(a):
		w.wrongly("packet %d has a right code of %s, unused, and was told %q", a.number, a.of.name, told)
	}
}

// accepted looks at an Accept.
func (w *people) accepted(a *packet, reply login.Reply) {
	w.accepts++
	first := a.of.in[a.step]
	switch {
	case a.step == 0:
		w.wrongly("packet %d let %s in with a wrong code", a.number, a.of.name)
	case first == nil:
		a.of.in[a.step] = a
	case first != a:
		w.wrongly("packets %d and %d let %s in with one code, of step %d", first.number, a.number, a.of.name, a.step)
	}
	a.of.registered = a.of.registered || reply.Registered
}

// mustBeRight reports whether nothing is known that could make a code wrong: it is the code of now, none
// as new was sent before, its challenge has not ended, and the factor cannot be locked.
func (w *people) mustBeRight(a trial) bool {
	limits, alive := login.DefaultLimits(), login.DefaultChallengeLife
	if a.atOnce {
		alive = 9 * time.Second // of ten, since its one request began
	}
	if a.step != w.clock() || a.typed != a.step || w.s.now.Sub(a.at) >= alive {
		return false
	}
	others, failed := 0, 0 // of its challenge, and in all: what came too late for its window is wrong too
	for _, b := range w.packets {
		if b.number == a.number || b.of != a.of {
			continue
		}
		if b.step >= a.step {
			return false
		}
		if b != a.of.in[b.step] {
			failed++
		}
		if !a.atOnce && !b.atOnce && b.reply.Trace == a.reply.Trace {
			others++
		}
	}
	return others == 0 && failed < int(limits.SoftLock)
}

// everybodyLogsIn looks whether anybody was left without a way in, now that nothing goes wrong.
func (w *people) everybodyLogsIn() {
	w.s.now = w.s.now.Add(2 * time.Hour) // no lock lasts longer, and no challenge
	for n := range serving {
		node := w.s.all.Node(n)
		node.Advance(node.Behind())
	}
	for _, p := range w.all {
		node := w.s.rng.IntN(serving)
		w.begin(node, p)
		if len(w.prompts) == 0 || w.prompts[len(w.prompts)-1].of != p {
			w.wrongly("%s cannot begin", p.name)
			return
		}
		what := 0
		switch d := drift(w.newest(p)); { // their app is as far off as it was
		case d < -totp.StepsBehind:
			what = theOneBefore
		case d > totp.StepsAhead:
			what = theNext
		}
		accepts := w.accepts
		w.post(w.s.rng.IntN(serving), packet{prompt: w.prompts[len(w.prompts)-1]}, what)
		for len(w.s.running) > 0 {
			w.s.resume(0)
		}
		if w.accepts == accepts {
			w.wrongly("%s cannot log in any more", p.name)
		}
	}
}
