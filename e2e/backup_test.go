//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sallyport/e2e/servers"
)

// keyPair writes the secret key of backups and returns its file and the public one.
func keyPair(t *testing.T) (file, recipient string) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "backup.key")
	if err := os.WriteFile(file, []byte(id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, id.Recipient().String()
}

// refuses runs a verb that must fail with these words.
func (s *site) refuses(words string, args ...string) {
	s.t.Helper()
	if out, err := s.Run("", args...); err == nil || !strings.Contains(out, words) {
		s.t.Errorf("%v: got %v, want words %q in\n%s", args, err, words, out)
	}
}

// does runs a verb that must do it, and returns what it says.
func (s *site) does(args ...string) string {
	s.t.Helper()
	out, err := s.Run("", args...)
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// flip changes one bit in the middle of a copy of a file, and returns the copy.
func flip(t *testing.T, file string) string {
	t.Helper()
	content := readFile(t, file)
	content[len(content)/2] ^= 1
	other := filepath.Join(t.TempDir(), "flipped.age")
	if err := os.WriteFile(other, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return other
}

// TestARestoreTakesBackWhatWasDoneSince saves, lets a day's work happen, and puts the backup back: what
// was done since is gone, but for what guards people, no code of before is good, and what is not this cluster's whole backup changes
// nothing.
func TestARestoreTakesBackWhatWasDoneSince(t *testing.T) {
	t.Parallel()
	folk := people("user", 2)
	alice, bob := folk[0], folk[1]
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	secret, recipient := keyPair(t)
	config := corp(slapd.CAFile, slapd.TLSURL()) + clients
	s := startSite(t, config+"\n[snapshot]\nrecipients = \""+recipient+"\"\n")
	file := filepath.Join(t.TempDir(), "backup.age")
	restore := []string{"snapshot", "restore", file, "--identity-file", secret, "--yes"}

	first := s.register(alice)
	if out := s.does("snapshot", "save", file); !strings.Contains(out, "1 user, ") || !strings.Contains(out, recipient) {
		t.Errorf("save says %s", out)
	}
	s.does("user", "reset", alice.UID, "--then", "window", "--yes")
	second := s.register(alice)
	s.register(bob)
	pending := s.begin(alice)

	s.refuses("the backup is damaged", "snapshot", "restore", flip(t, file), "--identity-file", secret, "--yes")
	other := startSite(t, config)
	other.refuses("not made under this cluster's master key", restore...)
	if known := other.users(); len(known) > 0 {
		t.Errorf("under another master key there are %v", known)
	}
	s.want(s.ask(alice.UID, code(t, second, 0), pending), "Access-Accept", "accepted", "")

	pending = s.begin(alice)
	s.does(restore...)
	s.want(s.ask(alice.UID, code(t, second, 1), pending), "Access-Reject", "state_invalid", "")
	s.want(s.ask(bob.UID, bob.Password, ""), "Access-Reject", "factor_not_configured", "") // the password is not enough any more
	for _, step := range []int{-1, 0} {
		s.want(s.ask(alice.UID, code(t, first, step), s.begin(alice)), "Access-Challenge", "otp_replayed", "otp")
	}
	s.want(s.ask(alice.UID, code(t, second, 1), s.begin(alice)), "Access-Challenge", "otp_invalid", "otp")
	s.acceptedSoon(alice, first)
}

// TestS10ABackupInANewCluster saves, uses codes up and closes a window, loses all nodes, and puts the backup back
// into a new cluster that knows nothing of that.
func TestS10ABackupInANewCluster(t *testing.T) {
	t.Parallel()
	folk := people("user", 3)
	alice, bob, carol := folk[0], folk[1], folk[2]
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	secret, recipient := keyPair(t)
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients+"\n[snapshot]\nrecipients = \""+recipient+"\"\n")
	file := filepath.Join(t.TempDir(), "backup.age")
	s.register(alice)
	s.register(bob)
	recovery := s.issued("user", "recovery-codes", alice.UID)
	bypass := s.issued("user", "bypass", alice.UID, "--uses", "3", "--reason", "telephone lost")
	s.does("user", "reset", bob.UID, "--then", "window", "--yes")
	s.does("snapshot", "save", file)
	s.want(s.ask(alice.UID, recovery[0], s.begin(alice)), "Access-Accept", "accepted", "")
	s.does("user", "window", bob.UID, "--close")

	s.Stop()
	if err := os.RemoveAll(s.Data); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.register(carol)
	out := s.does("snapshot", "restore", file, "--identity-file", secret, "--yes")
	for _, words := range []string{"1 bypass code void", "10 recovery codes void", "1 window closed", "1 user registered since", alice.UID, carol.UID} {
		if !strings.Contains(out, words) {
			t.Errorf("restore does not say %q:\n%s", words, out)
		}
	}
	for _, used := range []string{recovery[0], recovery[1], bypass[0]} {
		s.want(s.ask(alice.UID, used, s.begin(alice)), "Access-Challenge", "otp_invalid", "otp")
	}
	for _, p := range []servers.Person{bob, carol} {
		s.want(s.ask(p.UID, p.Password, ""), "Access-Reject", "factor_not_configured", "")
	}
	lines, err := s.Log()
	if err != nil || !slices.ContainsFunc(lines, func(line map[string]any) bool {
		void, _ := line["void_recovery"].(map[string]any)
		return line["act"] == "snapshot restore" && line["foreign"] == true && void["count"] == 10.0
	}) {
		t.Errorf("the log does not say what is void (%v)", err)
	}
}

// acceptedSoon waits for a code that a restore does not count as used: it does so for the time steps
// whose codes may have been accepted before.
func (s *site) acceptedSoon(p servers.Person, key string) {
	s.t.Helper()
	for range 6 {
		r := s.ask(p.UID, code(s.t, key, 0), s.begin(p))
		if r.Code == "Access-Accept" {
			return
		}
		s.want(r, "Access-Challenge", "otp_replayed", "otp")
		const step = stepSeconds * time.Second
		<-time.After(step - time.Duration(time.Now().UnixNano())%step)
	}
	s.t.Error("no code was accepted for three minutes after the restore")
}

// TestABackupIsVerifiedWithoutTheDaemon looks at a backup where its daemon runs no more.
func TestABackupIsVerifiedWithoutTheDaemon(t *testing.T) {
	t.Parallel()
	folk := people("user", 1)
	slapd := servers.StartSlapd(t, servers.SlapdOptions{People: folk})
	secret, recipient := keyPair(t)
	s := startSite(t, corp(slapd.CAFile, slapd.TLSURL())+clients)
	file := filepath.Join(t.TempDir(), "backup.age")
	s.register(folk[0])
	s.refuses("to whom is the backup sealed?", "snapshot", "save", file)
	s.does("snapshot", "save", file, "--recipient", recipient)
	s.Stop()
	var shown struct {
		Node  string
		Users int
		Epoch uint32
		Stale bool
	}
	if err := json.Unmarshal([]byte(s.does("snapshot", "inspect", file, "--identity-file", secret, "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.Node != "node1" || shown.Users != 1 || shown.Epoch == 0 || shown.Stale {
		t.Errorf("inspect shows %+v", shown)
	}
	if out := s.does("snapshot", "verify", file, "--identity-file", secret); !strings.Contains(out, "is whole: 1 user of cluster ") {
		t.Errorf("verify says %s", out)
	}
	s.refuses("the backup is damaged", "snapshot", "verify", flip(t, file), "--identity-file", secret)
	s.refuses("cannot be reached", "snapshot", "restore", file, "--identity-file", secret, "--yes")
}
