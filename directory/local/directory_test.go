package local_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/crypto/argon2"

	"sallyport/directory/directorytest"
	"sallyport/directory/local"
	"sallyport/login"
)

// hashOf makes a hash that costs next to nothing; what a real one costs is tested where it matters.
func hashOf(t *testing.T, password string) login.Secret {
	t.Helper()
	salt := []byte("sallyport")
	b64 := base64.RawStdEncoding
	key := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	return login.Secret("$argon2id$v=19$m=64,t=1,p=1$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(key))
}

// realHash makes a hash as an administrator does.
func realHash(t *testing.T, password string) login.Secret {
	t.Helper()
	text, err := local.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return login.Secret(text)
}

func people(t *testing.T) []local.User {
	t.Helper()
	var users []local.User
	for _, p := range directorytest.People() {
		users = append(users, local.User{ID: p.ID, Name: p.Name, PasswordHash: hashOf(t, p.Password), Disabled: p.Disabled, Mail: p.Mail,
			Phone: p.Phone, Groups: p.Groups})
	}
	return users
}

// costly is a directory of one person with a hash of the usual cost.
func costly(t *testing.T) local.Config {
	t.Helper()
	return local.Config{Users: []local.User{{ID: "1", Name: "alice", PasswordHash: realHash(t, "wonderland-1")}}}
}

func open(t *testing.T, cfg local.Config) *local.Directory {
	t.Helper()
	d, err := local.New("corp", cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSuite(t *testing.T) {
	directorytest.Run(t, func(t *testing.T) login.Directory {
		return open(t, local.Config{Users: people(t), Domains: directorytest.Domains()})
	})
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestATableCanBePasted(t *testing.T) {
	table, err := local.Table("Alice", realHash(t, "wonderland-1").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.toml")
	write(t, file, table+"groups = [\"staff\"]\n")
	user, err := open(t, local.Config{UsersFile: file}).Authenticate(t.Context(), "alice", "wonderland-1")
	if err != nil || user.Name != "Alice" || len(user.ID) != len("corp:")+36 || len(user.Groups) != 1 {
		t.Errorf("Authenticate = %+v, %v\n%s", user, err, table)
	}
}

func TestFaultyFilesAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.toml")
	table := func(name, id string) string {
		text, err := toml.Marshal(map[string]string{"id": id, "name": name, "password_hash": hashOf(t, "wonderland-1").Reveal()})
		if err != nil {
			t.Fatal(err)
		}
		return "[[users]]\n" + string(text)
	}
	for name, text := range map[string]string{
		"not TOML": "[[users]", "an unknown key": table("alice", "1") + "passwrod = 1\n", "a name twice": table("alice", "1") + table("ALICE", "2"),
		"an id twice": table("alice", "1") + table("bob", "1"), "no id": table("alice", ""), "no name": table("", "1"),
	} {
		write(t, file, text)
		_, err := local.New("corp", local.Config{UsersFile: file}, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "argon2id") {
			t.Errorf("%s: New = %v", name, err)
		}
	}
}

func TestFaultsHaveTheirPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users.toml")
	write(t, file, "[[users]]\nname = \"alice\"\npasswrod = \"canary\"\n")
	_, err := local.New("corp", local.Config{UsersFile: file}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), file+":3:1:") || strings.Contains(err.Error(), "canary") {
		t.Errorf("New = %v", err)
	}
	if err := (local.Config{}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "users_file: missing") {
		t.Errorf("Validate = %v", err)
	}
}

func TestAStrangerCostsAHash(t *testing.T) {
	d := open(t, costly(t))
	cost := func(name string) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			if _, err := d.Authenticate(t.Context(), name, "wrong"); login.RefusalCode(err) != login.CodePasswordInvalid {
				t.Fatal(err)
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	known, unknown := cost("alice"), cost("nobody")
	if unknown < known/3 || known < unknown/3 {
		t.Errorf("a wrong password takes %v, an unknown name %v", known, unknown)
	}
}

func TestOnlySoManyChecksWait(t *testing.T) {
	d := open(t, costly(t))
	var all sync.WaitGroup
	outcomes := make(chan error, 400)
	for range 400 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := d.Authenticate(ctx, "alice", "wonderland-1")
			outcomes <- err
		})
	}
	all.Wait()
	close(outcomes)
	let, turned := 0, 0
	for err := range outcomes {
		switch {
		case err == nil:
			let++
		case login.RefusalCode(err) == "":
			turned++
		default:
			t.Errorf("Authenticate = %v", err)
		}
	}
	if let == 0 || turned == 0 {
		t.Errorf("%d let in, %d turned away", let, turned)
	}
}

// S9: a client that has more passwords checked than there is time for holds up nobody else.
func TestS9PasswordsOfAQuietClientAreCheckedBesideAFlood(t *testing.T) {
	d := open(t, costly(t))
	flood, end := context.WithCancel(login.WithClient(t.Context(), "flood"))
	defer end()
	var all sync.WaitGroup
	busy := make(chan bool, 1)
	for range 200 {
		all.Go(func() {
			for flood.Err() == nil {
				if _, err := d.Authenticate(flood, "alice", "wrong"); login.RefusalCode(err) == "" {
					select {
					case busy <- true:
					default:
					}
					runtime.Gosched()
				}
			}
		})
	}
	<-busy // there is a flood, when one of it is turned away
	quiet := login.WithClient(t.Context(), "quiet")
	for range 5 {
		if _, err := d.Authenticate(quiet, "alice", "wonderland-1"); err != nil {
			t.Errorf("Authenticate = %v", err)
		}
	}
	end()
	all.Wait()
}

func TestAnErrorIsNoRefusal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, local.Config{Users: people(t)}).Find(ctx, "alice"); !errors.Is(err, context.Canceled) {
		t.Errorf("Find = %v", err)
	}
}
