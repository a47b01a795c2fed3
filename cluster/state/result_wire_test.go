package state

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sallyport/login"
)

// fullResult has every field set.
func fullResult() Result {
	tag := login.Tag{1, 15: 2}
	return Result{
		Status: Crowded,
		Outcome: login.Outcome{
			Code: login.CodeAccepted, AttemptsLeft: 3, Stale: true, Repeated: true, Claimed: true, Pending: true,
			Sequence: 4, Grant: "octets", Factor: "recovery", Remaining: 5, Near: true,
		},
		Opened: &Challenge{
			ID: login.ChallengeID{6}, UserID: "corp:1", Client: "vpn", Expires: -7, Forget: 8, Failures: 9, Closed: Exhausted,
			Decoy: true,
			Verdicts: []Verdict{{
				Token: tag, Answer: tag, Request: tag, Epoch: 10, Code: VerdictPending, Left: 11, Again: tag, Remaining: 12,
				Sequence: 13, Forward: &Forward{Act: tag, Passcode: tag, Deadline: 14, Grant: "grant", Reusable: true},
				Redeemed: &Redeemed{Factor: "bypass", Tag: tag}, Near: true,
			}},
			Opening: &Opening{
				Name: "Alice", Factor: "sms", Epoch: 15, Record: []byte("sealed"), Opened: 16, Rejoin: tag, Sequence: 17,
				Keys:  []login.Tag{tag, {18}},
				Sends: []Sent{{Factor: "sms", Number: 19, At: 20, Failed: true, Key: tag, Act: tag}},
			},
		},
		Stale: true, Fresh: true, Refusal: login.CodeRateLimited, SendAt: 21, Count: 22,
	}
}

// zeroFields lists the fields that are not set, of everything that is reached from v.
func zeroFields(path string, v reflect.Value) (zero []string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return zeroFields(path, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			zero = append(zero, zeroFields(path+"."+v.Type().Field(i).Name, v.Field(i))...)
		}
		return zero
	case reflect.Slice:
		for i := range v.Len() {
			zero = append(zero, zeroFields(path+"[]", v.Index(i))...)
		}
		if v.Len() > 0 && v.Type().Elem().Kind() != reflect.Uint8 {
			return zero
		}
	}
	if v.IsZero() {
		zero = append(zero, path)
	}
	return zero
}

// TestAResultTravelsWhole notices a field that is new and does not travel.
func TestAResultTravelsWhole(t *testing.T) {
	want := fullResult()
	if zero := zeroFields("Result", reflect.ValueOf(want)); len(zero) > 0 {
		t.Fatalf("not in the example: %v", zero)
	}
	got, err := DecodeResult(EncodeResult(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v (%v), want %+v", got, err, want)
	}
}

func TestWhatCommandsResultInTravels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := foundedMachine()
		for index := range rapid.IntRange(1, 40).Draw(t, "commands") {
			c := drawCommand(t)
			want := m.Apply(uint64(index+2), EncodeBatch(int64(index)*second, [][]byte{Encode(c)}))[0]
			got, err := DecodeResult(EncodeResult(want))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v (%v), want %+v", got, err, want)
			}
		}
	})
}

func TestADamagedResultIsRefused(t *testing.T) {
	whole := EncodeResult(fullResult())
	for name, b := range map[string][]byte{
		"empty": {}, "another version": append([]byte{9}, whole[1:]...), "truncated": whole[:len(whole)-1],
		"rubbish at the end": append(bytes.Clone(whole), 0xff),
		"status too large":   {version, 1 << 3, 0x80, 2},
	} {
		if r, err := DecodeResult(b); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// FuzzDecodeResult is what a peer may send.
func FuzzDecodeResult(f *testing.F) {
	f.Add(EncodeResult(fullResult()))
	f.Add(EncodeResult(Result{Status: Done}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResult(b)
		if err != nil {
			return
		}
		again, err := DecodeResult(EncodeResult(r))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v became %+v (%v)", r, again, err)
		}
	})
}
