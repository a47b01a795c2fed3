package securid

import (
	"fmt"
	"slices"
	"strings"

	"sallyport/login"
)

// Steps are the texts by which a challenge of the RSA server is recognised. A pattern is a part of the
// prompt, without regard to case; one that begins with "state:" is the end of the State. A State is
// looked at before any prompt, and the steps in the order of the fields. A challenge that fits none is
// relayed all the same, as a question for a passcode.
type Steps struct {
	// Passcode asks for a whole passcode, as after a new PIN was accepted.
	Passcode      []string `toml:"passcode"`
	ConfirmPIN    []string `toml:"confirm_pin"`
	NextTokencode []string `toml:"next_tokencode"`
	// NewPIN asks for a PIN, or whether one made by the server is welcome.
	NewPIN []string `toml:"new_pin"`
	// Empty are texts by which a prompt that takes an empty answer is recognised, whatever its step, besides
	// "press Enter" and the like.
	Empty []string `toml:"empty"`
}

// statePrefix introduces a pattern for the State.
const statePrefix = "state:"

// DefaultSteps are the texts of Authentication Manager, of its older RADIUS server, and those by
// which a Cisco ASA knows the steps.
func DefaultSteps() Steps {
	return Steps{
		Passcode: []string{"PIN Accepted", "enter new PIN and TokenCode", "enter the new passcode"},
		ConfirmPIN: []string{
			statePrefix + "SECURID_NEWPIN_CONFIRM", "re-enter new PIN", "Reenter PIN",
		},
		NextTokencode: []string{
			statePrefix + "SECURID_NEXTCODE", "then enter the new tokencode", "Next Code from Your Token",
			"next tokencode", "Enter Next PASSCODE",
		},
		NewPIN: []string{
			statePrefix + "SECURID_NEWPIN", "Enter a new PIN", "Enter your new PIN", "Enter your new Alpha-Numerical PIN",
			"system-generated PIN", "system generated PIN", "Your new PIN is", "remember your new PIN", "enter your own pin",
		},
	}
}

func (s Steps) withDefaults() Steps {
	d := DefaultSteps()
	for _, f := range []struct{ own, standard *[]string }{
		{&s.Passcode, &d.Passcode}, {&s.ConfirmPIN, &d.ConfirmPIN}, {&s.NextTokencode, &d.NextTokencode}, {&s.NewPIN, &d.NewPIN},
	} {
		if *f.own == nil {
			*f.own = *f.standard
		}
	}
	return s
}

// stepPatterns are the patterns of one step.
type stepPatterns struct {
	step     login.Step
	key      string
	patterns []string
}

func (s Steps) inOrder() []stepPatterns {
	return []stepPatterns{
		{login.StepPasscode, "passcode", s.Passcode},
		{login.StepConfirmPIN, "confirm_pin", s.ConfirmPIN},
		{login.StepNextTokencode, "next_tokencode", s.NextTokencode},
		{login.StepNewPIN, "new_pin", s.NewPIN},
	}
}

func (s Steps) validate() (faults []error) {
	for _, f := range append(s.inOrder(), stepPatterns{"", "empty", s.Empty}) {
		if slices.ContainsFunc(f.patterns, func(p string) bool { return strings.TrimPrefix(p, statePrefix) == "" }) {
			faults = append(faults, fmt.Errorf("steps.%s: an empty text would fit every challenge", f.key))
		}
	}
	return faults
}

// takesEmpty reports whether the site says that an empty answer is one.
func (s Steps) takesEmpty(d *login.Dialogue) bool {
	prompt := strings.ToLower(d.Text.Reveal())
	return slices.ContainsFunc(s.Empty, func(p string) bool { return strings.Contains(prompt, strings.ToLower(p)) })
}

// recognise returns the step of a challenge. The State may end in a NUL.
func (s Steps) recognise(d *login.Dialogue) login.Step {
	state := strings.TrimRight(string(d.State), "\x00")
	prompt := strings.ToLower(d.Text.Reveal())
	for _, fits := range []func(pattern string) bool{
		func(p string) bool {
			end, ok := strings.CutPrefix(p, statePrefix)
			return ok && strings.HasSuffix(state, end)
		},
		func(p string) bool {
			return !strings.HasPrefix(p, statePrefix) && strings.Contains(prompt, strings.ToLower(p))
		},
	} {
		for _, f := range s.inOrder() {
			if slices.ContainsFunc(f.patterns, fits) {
				return f.step
			}
		}
	}
	return login.StepPasscode
}
