package status

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"sallyport/login"
)

func acceptEvent() login.Event {
	return login.Event{
		Client: "vpn", Factor: "totp", Code: login.CodeAccepted, Verdict: login.Accept, Answered: true,
		Username: "CORP\\canary-typed", User: "canary-user", UserID: "corp:canary-id",
		Address: netip.MustParseAddr("192.0.2.77"), CallingStationID: "canary-station", Trace: "canary-trace",
		Earned: "password+totp", Took: 3 * time.Millisecond,
		Backends: []login.Backend{
			{Name: "directory", Server: "ldaps://dc1", Took: 2 * time.Millisecond},
			{Name: "ledger", Took: time.Millisecond, Failed: true},
		},
	}
}

func TestAVerdictIsCountedUnderItsWords(t *testing.T) {
	reg := NewRegistry(Build{Version: "1.2.3", Revision: "abc", GoVersion: "go1.26"})
	m := NewMetrics(reg)
	m.Observe(acceptEvent())

	repeated := acceptEvent()
	repeated.Repeated, repeated.Registered = true, true
	repeated.Earned = "password+bypass(admin root, lost phone, 1 of 3)"
	m.Observe(repeated)
	m.Observe(login.Event{Client: "vpn", Code: login.CodeDirectoryUnavail})
	m.Observe(login.Event{Client: "vpn", Code: "canary-code", Answered: true})

	want := `
# HELP sallyport_accepts_total Accepts by how they were earned.
# TYPE sallyport_accepts_total counter
sallyport_accepts_total{client="vpn",earned="password+bypass"} 1
sallyport_accepts_total{client="vpn",earned="password+totp"} 1
# HELP sallyport_build_info Always 1; what was built is in the labels.
# TYPE sallyport_build_info gauge
sallyport_build_info{go_version="go1.26",revision="abc",version="1.2.3"} 1
# HELP sallyport_registrations_total Factors that people registered while they logged in.
# TYPE sallyport_registrations_total counter
sallyport_registrations_total{client="vpn",factor="totp"} 1
# HELP sallyport_verdicts_repeated_total Verdicts that had been given before and were given again for the same answer.
# TYPE sallyport_verdicts_repeated_total counter
sallyport_verdicts_repeated_total{client="vpn"} 1
# HELP sallyport_verdicts_total Requests that got a verdict, or none because a back end could not be asked (verdict none).
# TYPE sallyport_verdicts_total counter
sallyport_verdicts_total{client="vpn",code="accepted",factor="totp",verdict="accept"} 2
sallyport_verdicts_total{client="vpn",code="directory_unavailable",factor="none",verdict="none"} 1
sallyport_verdicts_total{client="vpn",code="other",factor="none",verdict="reject"} 1
`
	err := testutil.GatherAndCompare(reg, strings.NewReader(want), "sallyport_accepts_total", "sallyport_build_info",
		"sallyport_registrations_total", "sallyport_verdicts_repeated_total", "sallyport_verdicts_total")
	if err != nil {
		t.Error(err)
	}
	if got := testutil.CollectAndCount(m.backend); got != 2 {
		t.Errorf("%d series of back ends, want directory ok and ledger failed", got)
	}
}

func TestNoMetricHoldsAPerson(t *testing.T) {
	reg := NewRegistry(Build{})
	NewMetrics(reg).Observe(acceptEvent())
	s := startServer(t, Config{Registry: reg})
	body := get(t, s, "/metrics").body
	if !strings.Contains(body, "sallyport_verdicts_total{") {
		t.Fatalf("no verdicts in %s", body)
	}
	for _, canary := range []string{"canary", "192.0.2.77"} {
		if strings.Contains(body, canary) {
			t.Errorf("metrics hold %q", canary)
		}
	}
}

func TestMetricsPassTheLinterAndAreDocumented(t *testing.T) {
	reg := NewRegistry(Build{})
	NewMetrics(reg).Observe(acceptEvent())
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sallyport_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}

	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if name := f.GetName(); strings.HasPrefix(name, "sallyport_") && !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/metrics.md does not explain %s", name)
		}
	}
}
