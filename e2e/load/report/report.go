package report

import (
	"time"
)

// Report is one run. Times are in milliseconds, CPU times in microseconds of user and system time per
// accepted login.
type Report struct {
	Label  string `json:"label,omitempty"`
	Server string `json:"server"`
	// Mode is "closed", "open" or "register".
	Mode     string  `json:"mode"`
	InFlight int     `json:"in_flight,omitempty"`
	Rate     float64 `json:"rate,omitempty"`
	Ports    int     `json:"ports"`
	// Seconds is how long logins were started and measured.
	Seconds float64 `json:"seconds"`
	// Exhausted tells that the run ended before its time, since everyone had logged in within
	// the current time step.
	Exhausted bool `json:"exhausted,omitempty"`

	LoginsPerSecond float64          `json:"logins_per_second"`
	Started         int64            `json:"started"`
	Accepted        int64            `json:"accepted"`
	Rejected        int64            `json:"rejected"`
	Reasons         map[string]int64 `json:"reasons,omitempty"`
	Lost            int64            `json:"lost"`
	Unsent          int64            `json:"unsent,omitempty"`
	Retransmissions int64            `json:"retransmissions"`
	LateReplies     int64            `json:"late_replies"`
	BadReplies      int64            `json:"bad_replies"`
	SendErrors      int64            `json:"send_errors"`

	Password Times `json:"password_ms"`
	Code     Times `json:"code_ms"`
	Login    Times `json:"login_ms"`

	// LoadCPU is the load tool's own, ServerCPU that of all processes watched.
	LoadCPU   float64   `json:"load_cpu_us"`
	ServerCPU float64   `json:"server_cpu_us"`
	Processes []Process `json:"processes,omitempty"`
}

// Times is how long something took, in milliseconds.
type Times struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Process is what one process took: CPU per login, and the most memory it ever had resident.
type Process struct {
	Name       string  `json:"name"`
	PID        int     `json:"pid"`
	CPU        float64 `json:"cpu_us"`
	PeakRSSMiB float64 `json:"peak_rss_mib"`
}

// Milliseconds is the form of times in a report.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// PerLogin is the form of CPU times in a report: microseconds for each of n logins, and zero for none.
func PerLogin(d time.Duration, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(d) / float64(time.Microsecond) / float64(n)
}
