package radius

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	codec "layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// TestC4SoftEther plays its request, Proxy-State without Message-Authenticator, against each rule.
func TestC4SoftEther(t *testing.T) {
	for name, test := range map[string]struct {
		rule   Rule
		limit  int
		states int
		served bool
	}{
		"auto":                          {RuleAuto, 0, 1, false},
		"required":                      {RuleRequired, 0, 1, false},
		"optional alone":                {RuleOptional, 0, 1, false},
		"the recipe":                    {RuleOptional, 1, 1, true},
		"the recipe, without":           {RuleOptional, 1, 0, true},
		"the recipe, through one proxy": {RuleOptional, 1, 2, false},
	} {
		var asked int
		var log bytes.Buffer
		b := newBench(t, accepting(&asked), func(cfg *Config, c *Client) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			c.MessageAuthenticator, c.ProxyStateLimit = test.rule, test.limit
		})
		attributes := []*codec.AVP{pap(t, 2, "x")}
		for range test.states {
			attributes = append(attributes, avp(rfc2865.ProxyState_Type, "softether"))
		}
		replies := b.exchange(handmade(t, codec.CodeAccessRequest, 2, attributes...))
		if served := len(replies) == 1 && asked == 1; served != test.served {
			t.Errorf("%s: %d replies after %d questions", name, len(replies), asked)
		}
		said := log.String()
		if test.served {
			if strings.Contains(said, "dropped") {
				t.Errorf("%s: the log says %s", name, said)
			}
			continue
		}
		wants := []string{"reason=proxy_state_unsigned", "remedy=", "message_authenticator", "proxy_state_limit", "CVE-2024-3596"}
		if test.rule == RuleRequired {
			wants = []string{"reason=message_authenticator_missing", "remedy=", "message_authenticator"}
		}
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q is not in %s", name, want, said)
			}
		}
	}
}

// reasons returns every reason of the package by the name of its constant.
func reasons(t *testing.T) map[string]Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Reason{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		text, ok := v.Values[0].(*ast.BasicLit)
		if kind, named := v.Type.(*ast.Ident); !ok || !named || kind.Name != "Reason" {
			return true
		}
		if value, err := strconv.Unquote(text.Value); err == nil {
			all[v.Names[0].Name] = Reason(value)
		}
		return true
	})
	if len(all) < 20 {
		t.Fatalf("only %d reasons are found", len(all))
	}
	return all
}

// TestC4RemediesNameSettings: a remedy that names a setting names one that there is, and the page about the reason names it too.
func TestC4RemediesNameSettings(t *testing.T) {
	docs, settings := page(t, "radius-clients.md"), page(t, "configuration.md")
	_, table, _ := strings.Cut(docs, "## Packets that get no answer")
	table, _, _ = strings.Cut(table, "\n## ")
	known := regexp.MustCompile(`\b(message_authenticator|proxy_state_limit|secret_file|secret|peak_rate|on_outage|listen|accounting_listen|data_dir|address)\b`)
	for constant, r := range reasons(t) {
		_, rest, found := strings.Cut(table, "`"+string(r)+"`")
		row, _, _ := strings.Cut(rest, "\n")
		if cells := strings.Split(row, "|"); !found || len(cells) < 4 || len(strings.TrimSpace(cells[2])) < 5 {
			t.Errorf("%s: its row says nothing of what changes it: %q", constant, row)
			continue
		}
		named := known.FindAllString(r.remedy(), -1)
		for _, setting := range named {
			if !strings.Contains(settings, "`"+setting+"`") {
				t.Errorf("%s: there is no setting %s", constant, setting)
			}
		}
		if len(named) > 0 && !known.MatchString(row) {
			t.Errorf("%s: the log names %q, its row no setting: %q", constant, named, row)
		}
	}
}

// What is not to be mended here is told: the clients, and the recipe with its risk.
func TestC7C8KnownLimitsAreDocumented(t *testing.T) {
	docs := page(t, "radius-clients.md")
	_, limits, _ := strings.Cut(docs, "## Known limits of clients")
	limits, _, _ = strings.Cut(limits, "\n## ")
	_, recipe, _ := strings.Cut(docs, "### SoftEther VPN")
	recipe, _, _ = strings.Cut(recipe, "\n### ")
	for name, test := range map[string]struct {
		text  string
		words []string
	}{
		"C4 SoftEther":    {recipe, []string{`message_authenticator = "optional"`, "proxy_state_limit = 1", "proxy_state_unsigned", "The risk", "Reject into an Accept"}},
		"C4 in the table": {limits, []string{"(#softether-vpn)"}},
		"C7 krb5":         {limits, []string{"libkrad", "begins with one", "no switch"}},
		"C7 ProFTPD":      {limits, []string{"mod_radius", "first attribute is a Message-Authenticator", "No switch"}},
		"C8 HTTP Basic":   {limits, []string{"nginx", "Apache", "HTTP Basic", "second page is refused", "forward-auth"}},
	} {
		for _, word := range test.words {
			if !strings.Contains(test.text, word) {
				t.Errorf("%s: %q is not in docs/radius-clients.md", name, word)
			}
		}
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
