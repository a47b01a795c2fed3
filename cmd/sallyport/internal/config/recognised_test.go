package config

import (
	"testing"
	"time"

	"sallyport/login"
)

func TestPoliciesAndLimitsAreRecognised(t *testing.T) {
	base := Config{Node: Node{Name: "n1"}, Policies: map[string]Policy{"staff": {Directory: "corp", Factors: []string{"totp"}}}, Login: Login{ChallengeLife: time.Minute}}
	same, other := base, base
	same.Node = Node{Name: "n2", MasterKey: login.Secret("secret")}
	other.Login.ChallengeLife = time.Hour
	if base.Recognised() == "" || base.Recognised() != same.Recognised() {
		t.Errorf("%q and %q: the nodes' own settings make a difference", base.Recognised(), same.Recognised())
	}
	if base.Recognised() == other.Recognised() {
		t.Error("another limit makes no difference")
	}
}
