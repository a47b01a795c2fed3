package ldap_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/directory/directorytest"
	"sallyport/directory/ldap"
)

func TestNoPasswordIsEverSeen(t *testing.T) {
	const userCanary, serviceCanary = "canary-of-the-user", "canary-of-the-service"
	server := directorytest.StartServer(t, nil, nil)
	asked := 0
	server.OnBind = func(dn, password string) (directorytest.Answer, bool) {
		// The worst that a server can do is to repeat what it was sent. The first bind succeeds, so
		// that the user's password is asked for as well.
		asked++
		return directorytest.Answer{Code: 51, Words: "cannot check " + password}, asked > 1 || dn != directorytest.ServiceDN
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, url := range []string{"ldap://" + server.Address, "ldap://" + startFake(t, hangUp).address, "ldap://" + startFake(t, silent).address} {
		cfg := config(url)
		cfg.BindPassword, cfg.Timeout = serviceCanary, ldap.Duration(200*time.Millisecond)
		d, err := ldap.New("corp", cfg, log, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		_, failure := d.Authenticate(t.Context(), "alice", userCanary)
		status, err := json.Marshal(d.Status(t.Context()))
		seen := fmt.Sprintf("%v %+v %s %v %v", failure, cfg, status, err, errors.Join(d.Ready(t.Context()), d.Close()))
		if strings.Contains(seen, "canary") {
			t.Errorf("%s: %s", url, seen)
		}
	}
	if strings.Contains(logged.String(), "canary") || logged.Len() == 0 {
		t.Errorf("logged: %s", logged.String())
	}
}
