package sms

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are values that try to end the place they stand in.
func hostile() []string {
	return []string{
		`a"b`, `a'b`, `a\b`, `a&b=c`, `a<b>c`, `]]>`, `--><x>`, `a;b`, `a#b`, `a?b`, `a%00b`, `%0d%0aX: y`, `a+b c`, `{{.Password}}`,
		`","to":"+1900`, `</text><to>+1900</to><text>`, `&to=+1900`, `a/../b`, "é\u200f م", "\U0001F600", `${x}`, `a\u0022b`,
	}
}

// received is what a server reads from a request.
func received(t *testing.T, c Config) *http.Request {
	t.Helper()
	w := &wire{answer: always(status("200 OK"))}
	if _, err := newFactor(t, c, w).Send(t.Context(), message("en")); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(w.requests[0])))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every value arrives whole, and nothing else does, whatever its place.
func TestHostileValuesStayOneValue(t *testing.T) {
	for _, bad := range hostile() {
		c := Config{URL: []string{"https://gw.example.test/u/{{.Account}}/x"}, Account: bad, From: bad}
		if _, unicode := units(bad); !unicode && len(bad) <= 17 {
			c.Brand = bad
		}
		want := url.Values{"from": {bad}, "to": {"+923001234567"}}

		c.Query = "from={{.From}}&to={{.To}}&text={{.Text}}"
		r := received(t, c)
		got := r.URL.Query()
		checkText(t, bad, c, got.Get("text"))
		got.Del("text")
		if got.Encode() != want.Encode() || r.URL.Path != "/u/"+bad+"/x" || r.URL.Fragment != "" {
			t.Errorf("query of %q: %v", bad, r.URL)
		}

		c.Query, c.ContentType, c.Body = "", typeForm, c.Query
		body, err := io.ReadAll(received(t, c).Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = url.ParseQuery(string(body)); err != nil {
			t.Fatal(err)
		}
		checkText(t, bad, c, got.Get("text"))
		got.Del("text")
		if got.Encode() != want.Encode() {
			t.Errorf("form of %q: %s", bad, body)
		}

		c.ContentType, c.Body = typeJSON, `{"from":"{{.From}}","to":"{{.To}}","text":"{{.Text}}"}`
		var fields map[string]string
		if err := json.NewDecoder(received(t, c).Body).Decode(&fields); err != nil || len(fields) != 3 || fields["from"] != bad || fields["to"] != "+923001234567" {
			t.Errorf("JSON of %q: %v, %v", bad, fields, err)
		}
		checkText(t, bad, c, fields["text"])

		c.ContentType, c.Body = "text/xml", `<sms from="{{.From}}"><to>{{.To}}</to><text>{{.Text}}</text></sms>`
		var doc struct {
			From string   `xml:"from,attr"`
			To   []string `xml:"to"`
			Text []string `xml:"text"`
		}
		if err := xml.NewDecoder(received(t, c).Body).Decode(&doc); err != nil || doc.From != bad || len(doc.To) != 1 || len(doc.Text) != 1 {
			t.Errorf("XML of %q: %+v, %v", bad, doc, err)
		}
	}
}

func checkText(t *testing.T, bad string, c Config, text string) {
	t.Helper()
	brand := c.withDefaults().Brand
	if want := brand + " code: " + someCode + ". Do not share it. Good for 5 minutes."; text != want {
		t.Errorf("%q: the text is %q, want %q", bad, text, want)
	}
}

// What cannot be escaped for a header is refused before anything is sent.
func TestHeaderValuesCannotEndTheLine(t *testing.T) {
	for _, bad := range []string{"a\r\nX-Evil: 1", "a\nb", "a\x00b", "a\x7fb", "é"} {
		c := generic()
		c.From, c.Headers = bad, map[string]string{"X-From": "{{.From}}"}
		if err := c.Validate(); err == nil || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A site's own text reaches a gateway as text, with its marks and line breaks, and opens nothing.
func TestTextsAreDataForTheRequest(t *testing.T) {
	folder := t.TempDir()
	text := "a\"&<x>%0d%0a\r\n\r\nPOST / {{.Code}}"
	text = strings.ReplaceAll(text, "\r", "")
	if err := os.WriteFile(filepath.Join(folder, "code.en.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := generic()
	c.Templates = folder
	r := received(t, c)
	if got := r.URL.Query(); got.Get("msg") != strings.Replace(text, "{{.Code}}", someCode, 1) || len(got) != 3 {
		t.Errorf("%v", r.URL.Query())
	}
}

// FuzzEscape looks for values that a decoder does not read as they were.
func FuzzEscape(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := inQuery.escape(text); err != nil || unescaped(url.QueryUnescape(q)) != text {
			t.Errorf("query: %q, %v", q, err)
		}
		if p, err := inPath.escape(text); err == nil && unescaped(url.PathUnescape(p)) != text {
			t.Errorf("path: %q", p)
		}
		j, err := inJSON.escape(text)
		var back string
		if err != nil || json.Unmarshal([]byte(`"`+j+`"`), &back) != nil || utf8.ValidString(text) && back != text {
			t.Errorf("JSON: %q, %v", j, err)
		}
		x, err := inXML.escape(text)
		if err != nil || wellFormed(`<a b="`+x+`">`+x+`</a>`) != nil {
			t.Errorf("XML: %q, %v", x, err)
		}
		if h, err := inHeader.escape(text); err == nil && strings.ContainsAny(h, "\r\n\x00") {
			t.Errorf("header: %q", h)
		}
		if h, err := inHost.escape(text); err == nil && strings.ContainsAny(h, "/@:?#%\\ \r\n") {
			t.Errorf("host: %q", h)
		}
	})
}

func unescaped(text string, err error) string {
	if err != nil {
		return err.Error()
	}
	return text
}
