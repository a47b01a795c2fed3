package state

import (
	"fmt"

	"pgregory.net/rapid"

	"sallyport/login"
)

// drawCommand makes commands that meet: few users, challenges, tokens and answers.
func drawCommand(t *rapid.T) Command {
	small := func(name string) byte { return rapid.ByteRange(1, 4).Draw(t, name) }
	user := fmt.Sprintf("corp:%d", small("user"))
	handle := login.Handle{user[5]}
	factor := rapid.SampledFrom([]string{"totp", "sms"}).Draw(t, "factor")
	client := rapid.SampledFrom([]string{"vpn", "wifi"}).Draw(t, "client")
	version := rapid.Uint32Range(0, 3).Draw(t, "version")
	epoch := rapid.Uint32Range(0, 3).Draw(t, "epoch")
	expires := int64(rapid.IntRange(1, 200).Draw(t, "expires")) * second
	capacity := rapid.SampledFrom([]uint64{0, 6}).Draw(t, "capacity")
	keep := int64(rapid.IntRange(0, 20).Draw(t, "keep")) * second
	record := rapid.SampledFrom([][]byte{nil, []byte("record")}).Draw(t, "record")
	act := login.Tag{rapid.ByteRange(0, 9).Draw(t, "act")}
	id := login.ChallengeID{small("challenge"), small("challenge 2")}
	settle := drawSettle(t)
	settle.Challenge, settle.Client, settle.UserID, settle.Handle = id, client, user, handle
	settle.Epoch, settle.Factor, settle.Version, settle.Expires = epoch, factor, version, expires
	settle.Memo, settle.Register, settle.Limits.Keep, settle.Limits.Capacity = record, record, keep, capacity
	return rapid.OneOf(
		rapid.Just[Command](settle),
		rapid.Just[Command](drawCode(t, *settle)),
		rapid.Just[Command](&Claim{Settle: *settle, Act: act, Passcode: maybe(t, "passcode"), Within: 10 * second}),
		rapid.Just[Command](&Conclude{
			Settle: *settle, Act: act, Verdict: VerdictCode(rapid.ByteRange(1, 12).Draw(t, "verdict")),
			Dialogue: record, Granted: "grant", Release: rapid.Bool().Draw(t, "release"),
		}),
		rapid.Just[Command](&Open{
			ID: id, UserID: user, Name: "name", Handle: handle, Client: client, Factor: factor, Epoch: epoch,
			Record: record, Rejoin: login.Tag{rapid.ByteRange(0, 2).Draw(t, "rejoin")},
			RejoinWithin: 30 * second, Life: expires, Keep: keep, Capacity: capacity,
			Sequence: settle.Sequence, Key: maybe(t, "key"), Send: drawSend(t), Decoy: settle.Decoy,
		}),
		rapid.Just[Command](&SendFailed{Challenge: id, Client: client, UserID: user, Factor: factor, Number: rapid.Uint64Range(0, 6).Draw(t, "failed")}),
		rapid.Just[Command](&Grant{UserID: user, Name: "name", Handle: handle, Factor: drawKind(t), Codes: drawCodes(t), Note: "note", Act: act}),
		rapid.Just[Command](&Renew{UserID: user, Factor: factor, Act: act}),
		rapid.Just[Command](&OpenWindow{Subject: user, Until: expires, Act: act}),
		rapid.Just[Command](&Cancel{Challenge: id, Client: client, UserID: user, Epoch: epoch, Expires: expires, Keep: keep, Capacity: capacity}),
		rapid.Just[Command](&Register{UserID: user, Name: "new name", Handle: handle, Factor: factor, Version: version, Record: []byte("record 2")}),
		rapid.Just[Command](&Reset{UserID: user, Factor: rapid.SampledFrom([]string{"", factor}).Draw(t, "which"), Act: act, Handle: handle}),
		rapid.Just[Command](&Unlock{UserID: user, Factor: factor, Act: act}),
		rapid.Just[Command](&Learn{
			Client: client, Address: []byte{192, 0, 2, small("address")},
			Sender: login.SenderTag{rapid.ByteRange(0, 2).Draw(t, "sender")}, Unsigned: rapid.Bool().Draw(t, "unsigned"),
		}),
		rapid.Just[Command](&Forget{Client: client, Act: act}),
		rapid.Just[Command](&Rotate{Previous: small("previous"), Key: StateKey{ID: small("key"), Sealed: []byte("key")}}),
		drawMembership(),
	).Draw(t, "command")
}

// drawMembership makes commands about few nodes and tokens; another epoch begins rarely.
func drawMembership() *rapid.Generator[Command] {
	return rapid.Custom(func(t *rapid.T) Command {
		node := rapid.SampledFrom([]string{"node1", "node2", "node3"}).Draw(t, "node")
		id, act, fingerprint := maybe(t, "token id"), maybe(t, "node act"), [32]byte{rapid.ByteRange(0, 2).Draw(t, "fingerprint")}
		until := int64(rapid.IntRange(0, 400).Draw(t, "token until")) * second
		return rapid.SampledFrom([]Command{
			&Certify{Certificate: []byte("certificate"), Key: []byte("key")},
			&IssueToken{ID: id, Node: node, NonVoter: act[0] == 1, Until: until, Act: act},
			&UseToken{ID: id, Node: node, Address: "192.0.2.1:18300", Fingerprint: fingerprint, Act: act},
			&Announce{Node: node, Address: "192.0.2.2:18300", Version: "1", Level: 2, Fingerprint: fingerprint},
			&RemoveNode{Node: node, Act: act},
			&RaiseLevel{Level: min(uint32(act[0]), Level)},
			&RaiseEpoch{Previous: uint32(id[0]), Key: StateKey{ID: 9, Sealed: []byte("key")}, Floors: []Floor{{"totp", uint64(act[0])}}, Act: act},
		}).Draw(t, "membership")
	})
}

// maybe draws one of few tags, or none.
func maybe(t *rapid.T, name string) login.Tag {
	return login.Tag{rapid.ByteRange(0, 3).Draw(t, name)}
}

func drawKind(t *rapid.T) string {
	return rapid.SampledFrom([]string{login.CredentialRecovery, login.CredentialBypass, login.CredentialInvitation, "totp"}).Draw(t, "kind")
}

func drawCodes(t *rapid.T) []OneTimeCode {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) OneTimeCode {
		until := int64(rapid.IntRange(0, 100).Draw(t, "until")) * second
		return OneTimeCode{Tag: maybe(t, "code"), Uses: rapid.Uint32Range(0, 3).Draw(t, "uses"), Until: until}
	}), 0, 3).Draw(t, "codes")
}

// sendBounds are what all drawn sends have in common.
func sendBounds() SendLimits {
	return SendLimits{
		Between: 3 * second, User: SendRate{Hour: 4, Day: 8}, Destination: SendRate{Hour: 5},
		Country: SendRate{Day: 9}, Global: SendRate{Hour: 7, Day: 12},
	}
}

func drawSend(t *rapid.T) *Send {
	if rapid.Bool().Draw(t, "send") {
		return nil
	}
	return &Send{
		Act: login.Tag{1, rapid.ByteRange(0, 40).Draw(t, "send act")}, Destination: maybe(t, "destination"),
		Country: rapid.SampledFrom([]string{"", "PK"}).Draw(t, "country"), Limits: sendBounds(),
	}
}

// drawSettle draws an answer: what it answers is for the caller to say.
func drawSettle(t *rapid.T) *Settle {
	rarely := func(name string) bool { return rapid.IntRange(0, 9).Draw(t, name) == 0 }
	c := &Settle{
		Token: login.Tag{rapid.ByteRange(1, 4).Draw(t, "token")}, Answer: login.Tag{rapid.ByteRange(1, 4).Draw(t, "answer")},
		Request: maybe(t, "request"), Name: "name", ClusterEpoch: 1,
		Number: rapid.Uint64Range(0, 6).Draw(t, "number"),
		Limits: Limits{Attempts: 3, SoftLock: 2, SoftLockFor: second, SoftLockMax: 4 * second, HardLock: 9},
		Pass:   rarely("pass"), Sequence: rapid.Uint8Range(0, 2).Draw(t, "sequence"), Again: maybe(t, "again"),
		Decoy: rarely("decoy"), Conceal: rarely("conceal"), Count: rarely("count"),
	}
	if rarely("exempt") {
		c.Exempt = "rule"
	}
	if rarely("invited") {
		c.Invitation = maybe(t, "invitation")
	}
	return c
}

// drawCode makes an answer one with a one-time code.
func drawCode(t *rapid.T, c Settle) *Settle {
	c.Number, c.Memo, c.Register, c.Exempt, c.Version = 0, nil, nil, "", 0
	c.Factor, c.Code = drawKind(t), login.Tag{rapid.ByteRange(1, 3).Draw(t, "code")}
	return &c
}
