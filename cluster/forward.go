package cluster

import (
	"context"
	"fmt"

	"sallyport/cluster/state"
	"sallyport/login"
)

// Claim gives the right to forward one answer, to one caller in the whole cluster, once. Whoever comes
// with the same answer meanwhile is told that it is pending; after c.Within without a [Node.Conclude]
// it is securid_unavailable, and the challenge ends.
func (l *ledger) Claim(ctx context.Context, s login.Settlement, c login.Claim) (login.Outcome, error) {
	l.capacity.Store(s.Limits.Capacity)
	r, err := l.submit(ctx, &state.Claim{
		Settle: *settleCommand(s, nil), Act: c.Act, Passcode: c.Passcode, Within: int64(c.Within),
		Reusable: c.Reusable,
	})
	if err != nil {
		return login.Outcome{}, fmt.Errorf("claim answer: %w", err)
	}
	return r.Outcome, nil
}

// Conclude commits what became of an answer that was claimed under c.Act; of one that was claimed by
// another, or concluded before, it returns what is recorded.
func (l *ledger) Conclude(ctx context.Context, s login.Settlement, c login.Conclusion) (login.Outcome, error) {
	code, err := conclusionCode(c.Code)
	if err != nil {
		return login.Outcome{}, err
	}
	if len(c.Grant) > state.MaxGrant {
		return login.Outcome{}, fmt.Errorf("conclude answer: the grant has %d octets, at most %d can be kept", len(c.Grant), state.MaxGrant)
	}
	var sealed []byte
	if code == state.VerdictPassed {
		if sealed, err = l.sealer.seal(candidateName(s.Challenge, s.UserID, s.Factor), c.Dialogue); err != nil {
			return login.Outcome{}, err
		}
	}
	r, err := l.submit(ctx, &state.Conclude{
		Settle: *settleCommand(s, nil), Act: c.Act, Verdict: code, Dialogue: sealed,
		Granted: c.Grant, Release: c.Release,
	})
	if err != nil {
		return login.Outcome{}, fmt.Errorf("conclude answer: %w", err)
	}
	return r.Outcome, nil
}

func conclusionCode(c login.Code) (state.VerdictCode, error) {
	switch c {
	case login.CodeAccepted:
		return state.VerdictAccepted, nil
	case login.CodeSecurIDRejected:
		return state.VerdictRejected, nil
	case login.CodeSecurIDMisconfig:
		return state.VerdictMisconfigured, nil
	case login.CodeSecurIDUnavailable:
		return state.VerdictUnavailable, nil
	case login.CodePrompt:
		return state.VerdictPassed, nil
	}
	return 0, fmt.Errorf("conclude answer: %q is no outcome of a forwarded answer", c)
}
