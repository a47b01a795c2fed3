package radius

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2869"

	"sallyport/login"
)

// replyMap is a ReplyMemory in a map.
type replyMap struct {
	mu    sync.Mutex
	known map[string]int
	kept  int
}

func (m *replyMap) Signed(server string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[server]
}

func (m *replyMap) Keep(server string, signed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[server] = signed
	m.kept++
}

// TestS20WhatAServerSignsIsKeptOverARestart: the first reply after it must be signed as the last one before.
func TestS20WhatAServerSignsIsKeptOverARestart(t *testing.T) {
	form := "first"
	f := newFakeServer(t, func(_ int, request []byte) [][]byte {
		if form == "last" {
			packet := upstreamReply(t, testKey, request, codec.CodeAccessAccept, true, avp(rfc2865.ReplyMessage_Type, "ok"), avp(rfc2869.MessageAuthenticator_Type, string(make([]byte, authSize))))
			return [][]byte{packet}
		}
		return [][]byte{upstreamReply(t, testKey, request, codec.CodeAccessAccept, form == "absent")}
	})
	memory := &replyMap{known: map[string]int{}}
	forward := func(rule Rule, how string, m ReplyMemory) login.Forwarded {
		u := forwardingTo(t, func(c *UpstreamConfig) { c.MessageAuthenticator, c.Replies = rule, m }, f.addr())
		defer u.Close()
		f.mu.Lock()
		form = how
		f.mu.Unlock()
		return u.Forward(t.Context(), aliceForwards())
	}
	for n, tt := range []struct {
		rule Rule
		form string
		want login.ForwardResult
		kept int
	}{
		{RuleAuto, "absent", login.ForwardAccepted, 0},
		{RuleAuto, "last", login.ForwardAccepted, 1},
		{RuleAuto, "absent", login.ForwardMisconfigured, 1},
		{RuleAuto, "first", login.ForwardAccepted, 2},
		{RuleAuto, "absent", login.ForwardMisconfigured, 2},
		{RuleAuto, "last", login.ForwardMisconfigured, 2},
		{RuleAuto, "first", login.ForwardAccepted, 2},
		{RuleOptional, "absent", login.ForwardAccepted, 0}, // the server was replaced
		{RuleAuto, "absent", login.ForwardAccepted, 0},
		{RuleRequired, "first", login.ForwardAccepted, 0},
		{RuleAuto, "absent", login.ForwardAccepted, 0},
	} {
		out := forward(tt.rule, tt.form, memory)
		if out.Result != tt.want || memory.Signed(f.addr()) != tt.kept {
			t.Errorf("start %d, a reply with it %s: %v (%s), kept %d, want %v and %d", n, tt.form, out.Result, out.Reason, memory.Signed(f.addr()), tt.want, tt.kept)
		}
		if tt.want == login.ForwardMisconfigured && !strings.Contains(out.Reason, "message_authenticator") {
			t.Errorf("start %d: nothing says what to do: %q", n, out.Reason)
		}
	}
	if memory.kept != 3 {
		t.Errorf("written %d times, want once for each thing learned and once to forget", memory.kept)
	}
	if out := forward(RuleAuto, "absent", nil); out.Result != login.ForwardAccepted || len(slices.Collect(maps.Keys(memory.known))) != 1 {
		t.Errorf("without a memory: %+v", out)
	}
	for _, odd := range []int{-1, 3, 1 << 40} { // a file that somebody has edited
		memory.known[f.addr()] = odd
		if out := forward(RuleAuto, "first", memory); out.Result != login.ForwardAccepted {
			t.Errorf("kept %d: %+v", odd, out)
		}
	}
}
