package cluster_test

import (
	"testing"
	"time"

	"sallyport/cluster"
	"sallyport/cluster/ledgertest"
	"sallyport/login"
)

// restarter is a node that is closed and opened again on the same directory.
type restarter struct {
	*cluster.Node
	t      *testing.T
	config cluster.Config
}

// eachRestarter runs a test with a node that reads its log after a restart, and with one that reads a
// snapshot.
func eachRestarter(t *testing.T, test func(r *restarter, clock *ledgertest.Clock)) {
	for name, snapshots := range map[string]bool{"log": false, "snapshot": true} {
		t.Run(name, func(t *testing.T) {
			clock := ledgertest.NewClock()
			config := testConfig(t.TempDir(), clock.Now)
			if snapshots {
				config.SnapshotInterval, config.SnapshotThreshold, config.TrailingLogs = 5*time.Millisecond, 1, 1
			}
			test(&restarter{openNode(t, config), t, config}, clock)
		})
	}
}

func (r *restarter) restart() {
	r.t.Helper()
	if r.config.SnapshotThreshold == 1 {
		waitFor(r.t, "a snapshot", func() bool { return r.Status(r.t.Context()).(cluster.Status).SnapshotAt != "0" })
	}
	closeNode(r.t, r.Node)
	lookForSecrets(r.t, r.config.DataDir)
	r.Node = openNode(r.t, r.config)
}

// sms opens challenge n, in which a code is sent to bob: at most two an hour, and one a minute.
func (r *restarter) sms(n byte) login.Opened {
	r.t.Helper()
	ring, err := r.Keys(r.t.Context())
	if err != nil {
		r.t.Fatalf("Keys: %v", err)
	}
	o, err := r.Open(r.t.Context(), login.Opening{
		ID: login.ChallengeID{n}, UserID: "corp:bob", Handle: ring.Handle("corp:bob"), Client: "vpn", Factor: "sms",
		Life: 5 * time.Minute, Keep: time.Minute,
		Send: &login.Send{
			Act: login.Tag{n}, Destination: ring.AddressTag("sms", canary), Country: "PK",
			Limits: login.SendLimits{Between: time.Minute, User: login.SendRate{Hour: 2}},
		},
	})
	if err != nil {
		r.t.Fatalf("Open: %v", err)
	}
	return o
}

func TestLimitsHoldAcrossARestart(t *testing.T) {
	eachRestarter(t, func(r *restarter, clock *ledgertest.Clock) {
		start := clock.Now()
		if got := r.sms(1); !got.Fresh || got.Sends[0].Number != 1 {
			t.Fatalf("the first: %+v", got)
		}
		r.restart()
		if got := r.sms(1); !got.Fresh || len(got.Sends) != 1 {
			t.Errorf("the same command after the restart: %+v", got)
		}
		clock.Advance(59 * time.Second)
		if got := r.sms(2); got.Refusal != login.CodeResendTooSoon || !got.SendAt.Equal(start.Add(time.Minute)) {
			t.Errorf("after 59 s: %+v", got)
		}
		clock.Advance(2 * time.Second)
		if got := r.sms(3); !got.Fresh || got.Sends[0].Number != 2 {
			t.Errorf("after 61 s: %+v", got)
		}
		clock.Advance(time.Minute)
		r.restart()
		if got := r.sms(4); got.Refusal != login.CodeRateLimited || !got.SendAt.Equal(start.Add(time.Hour)) {
			t.Errorf("a third in the hour: %+v", got)
		}
		clock.Advance(58 * time.Minute)
		if got := r.sms(5); !got.Fresh || got.Sends[0].Number != 3 {
			t.Errorf("after an hour: %+v", got)
		}
	})
}

func TestAClaimIsKeptAcrossARestart(t *testing.T) {
	eachRestarter(t, func(r *restarter, clock *ledgertest.Clock) {
		s := login.Settlement{
			Challenge: login.ChallengeID{1}, Token: login.Tag{1}, Answer: login.Tag{1}, Client: "vpn", UserID: "corp:bob",
			ClusterEpoch: 1, Factor: "securid", Expires: clock.Now().Add(2 * time.Minute), Limits: login.DefaultLimits(),
		}
		claim := login.Claim{Act: login.Tag{1}, Passcode: login.Tag{1}, Within: 20 * time.Second}
		outcome := func(want login.Outcome) func(login.Outcome, error) {
			return func(got login.Outcome, err error) {
				t.Helper()
				if err != nil || got != want {
					t.Fatalf("%+v, %v, want %+v", got, err, want)
				}
			}
		}
		outcome(login.Outcome{Claimed: true, AttemptsLeft: 3})(r.Claim(t.Context(), s, claim))
		r.restart()
		other := claim
		other.Act = login.Tag{2}
		outcome(login.Outcome{Pending: true, AttemptsLeft: 3})(r.Claim(t.Context(), s, other))
		prompt := login.Conclusion{Act: claim.Act, Code: login.CodePrompt, Dialogue: []byte("your new PIN is " + canary)}
		outcome(login.Outcome{Code: login.CodePrompt, AttemptsLeft: 3, Sequence: 1})(r.Conclude(t.Context(), s, prompt))
		r.restart()
		if o, found, err := r.Opened(t.Context(), s.Challenge); err != nil || !found || string(o.Record) != string(prompt.Dialogue) {
			t.Errorf("the dialogue: %+v, %v, %v", o, found, err)
		}
		s.Challenge = login.ChallengeID{2}
		outcome(login.Outcome{Code: login.CodeOTPReplayed, AttemptsLeft: 3})(r.Claim(t.Context(), s, other))
	})
}

func TestCodesAndWindowsAreThereAfterARestart(t *testing.T) {
	eachRestarter(t, func(r *restarter, clock *ledgertest.Clock) {
		until := clock.Now().Add(72 * time.Hour)
		code := login.OneTimeCode{Tag: login.Tag{1}, Uses: 2, Until: until}
		grant := cluster.CodeGrant{UserID: "corp:bob", Factor: login.CredentialBypass, Codes: []login.OneTimeCode{code}, Note: "by root: new telephone"}
		if err := r.Grant(t.Context(), grant); err != nil {
			t.Fatalf("Grant: %v", err)
		}
		if err := r.OpenWindow(t.Context(), "corp:bob", until); err != nil {
			t.Fatalf("OpenWindow: %v", err)
		}
		r.restart()
		e, err := r.Enrolment(t.Context(), "corp:bob")
		if cred := e.Credentials[login.CredentialBypass]; err != nil || len(cred.Codes) != 1 || cred.Codes[0] != code || cred.Note != grant.Note {
			t.Errorf("codes: %+v, %v", e, err)
		}
		for _, c := range []struct {
			wait time.Duration
			open bool
		}{{0, true}, {72*time.Hour - 1, true}, {1, false}} {
			clock.Advance(c.wait)
			if open, err := r.Window(t.Context(), []string{"corp:bob"}); err != nil || open != c.open {
				t.Errorf("window after %v more: %v, %v", c.wait, open, err)
			}
		}
	})
}
