package sms

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatusTellsWhatTheLastRequestsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := map[string]bool{"one.example.test": true}
		w := &wire{answer: always(status("201 Created")), connect: func(host string) error {
			if down[host] {
				return refuseConnection()
			}
			return nil
		}}
		c := threeGateways()
		c.URL = c.URL[:2]
		f := newFactor(t, c, w)
		if err := f.Ready(t.Context()); err != nil {
			t.Errorf("before the first message: %v", err)
		}
		began := time.Now()
		if _, _, err := send(t, f, time.Minute); err != nil {
			t.Fatal(err)
		}
		st := f.Status(t.Context()).(Status).Servers
		if one := st[0]; one.Server != "one.example.test" || one.Up || !one.Since.Equal(began) || !one.LastSent.IsZero() ||
			one.LastError != "the connection failed: connection refused" || one.Unreachable != 1 {
			t.Errorf("%+v", one)
		}
		if two := st[1]; !two.Up || !two.LastSent.Equal(began) || two.LastError != "" || two.Taken != 1 {
			t.Errorf("%+v", two)
		}
		if err := f.Ready(t.Context()); err != nil {
			t.Errorf("with one of two: %v", err)
		}

		down["two.example.test"] = true
		if _, _, err := send(t, f, 10*time.Second); err == nil {
			t.Fatal("sent through nobody")
		}
		want := "one.example.test: the connection failed: connection refused\ntwo.example.test: the connection failed: connection refused"
		if err := f.Ready(t.Context()); err == nil || err.Error() != want {
			t.Errorf("with none: %v", err)
		}
		text, err := json.Marshal(f.Status(t.Context()))
		if err != nil || strings.Contains(string(text), someCode) || strings.Contains(string(text), "923001234567") {
			t.Errorf("%s, %v", text, err)
		}
		time.Sleep(lastFor)
		if err := f.Ready(t.Context()); err != nil {
			t.Errorf("what was half a minute ago: %v", err)
		}

		clear(down)
		if _, _, err := send(t, f, time.Minute); err != nil {
			t.Fatal(err)
		}
		if one := f.Status(t.Context()).(Status).Servers[0]; !one.Up || !one.Since.After(began) {
			t.Errorf("back again: %+v", one)
		}
	})
}
