package servers

import (
	"slices"
	"testing"
)

func TestRadclientOutputIsRead(t *testing.T) {
	const out = "Sent Access-Request Id 85 from 0.0.0.0:1 to 127.0.0.1:2 length 77\n\tUser-Name = \"alice\"\n" +
		"Received Access-Challenge Id 85 from 127.0.0.1:2 to 127.0.0.1:1 length 99\n" +
		"\tMessage-Authenticator = 0xd41d\n\tReply-Message = \"one \\\"two\\\"\\n = three\"\n\tReply-Message = \"four\"\n\tSession-Timeout = 120\n"
	r, ok := parseRadclient(out)
	if !ok || r.Code != "Access-Challenge" || len(r.Attributes) != 4 {
		t.Fatalf("%+v, %v", r, ok)
	}
	if got := r.All("Reply-Message"); !slices.Equal(got, []string{"one \"two\"\n = three", "four"}) {
		t.Errorf("Reply-Message = %q", got)
	}
	if r.Get("User-Name") != "" || r.Get("Session-Timeout") != "120" || r.Get("Message-Authenticator") != "0xd41d" {
		t.Errorf("%+v", r)
	}
	if _, ok := parseRadclient("(0) No reply from server for ID 119 socket 3\n"); ok {
		t.Error("silence was read as a reply")
	}
}

func TestQuotedValuesReadBack(t *testing.T) {
	for _, s := range []string{"", "plain", `a"b\c`, "line\nline\ttab", "grüße"} {
		if got := unquote(quote(s)); got != s {
			t.Errorf("%q reads back as %q", s, got)
		}
	}
}
