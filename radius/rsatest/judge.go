package rsatest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The prompts of Authentication Manager; those of Next Tokencode mode and of PINs made by the server
// vary between its versions. PromptNewPIN is that of a [Config] that sets no lengths.
const (
	PromptNewPIN        = "Enter a new PIN having from 4 to 8 alphanumeric characters:"
	PromptConfirmPIN    = "Please re-enter new PIN:"
	PromptAccepted      = "PIN Accepted.\r\nWait for the token code to change,\r\nthen enter the new passcode:"
	PromptNextTokencode = "Wait for the tokencode to change, then enter the new tokencode :"
	PromptSystemPIN     = "Are you prepared to accept a system-generated PIN [y/n]?"
	PromptOnDemand      = "Enter the tokencode that was sent to you:"
	promptNewPIN        = "Enter a new PIN having %s alphanumeric characters:"
	promptEnter         = ", or press Enter for a system-generated PIN:"
	promptShowPIN       = "Your new PIN is: %s\r\nDo you accept this [y/n]?"
)

// phase is where a dialogue is. It stands in a State.
type phase string

const (
	phaseNewPIN        phase = "SECURID_NEWPIN"
	phaseConfirmPIN    phase = "SECURID_NEWPIN_CONFIRM"
	phaseSystemPIN     phase = "SECURID_SYSTEMPIN"
	phaseShowPIN       phase = "SECURID_SYSTEMPIN_CONFIRM"
	phasePasscode      phase = "SECURID_PASSCODE"
	phaseOnDemand      phase = "SECURID_ONDEMAND"
	phaseNextTokencode phase = "SECURID_NEXTCODE"
)

// dialogue is what one server keeps between two answers.
type dialogue struct {
	name  string
	phase phase
	pin   string
	began time.Time
}

// judgement is what becomes of an answer: a question, or yes or no. The zero value is no.
type judgement struct {
	yes    bool
	prompt string
	next   *dialogue
}

func ask(d dialogue, phase phase, prompt string) judgement {
	d.phase = phase
	return judgement{prompt: prompt, next: &d}
}

// begin judges the first passcode of a login.
func (m *Manager) begin(name, passcode string) judgement {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[name]
	d := dialogue{name: name, began: m.cfg.Now()}
	if u != nil && !u.locked && u.mode == ModeOnDemand && passcode == u.pin {
		return ask(d, phaseOnDemand, PromptOnDemand)
	}
	if u == nil || u.locked || !m.consume(u, passcode) {
		return judgement{}
	}
	switch u.mode {
	case ModeNewPIN:
		return ask(d, phaseNewPIN, m.promptNewPIN())
	case ModeSystemPIN:
		return ask(d, phaseSystemPIN, PromptSystemPIN)
	case ModeNextTokencode:
		return ask(d, phaseNextTokencode, PromptNextTokencode)
	}
	return judgement{yes: true}
}

// consume judges a whole passcode and uses its tokencode up. What is wrong is counted.
func (m *Manager) consume(u *user, passcode string) bool {
	code, hasPIN := strings.CutPrefix(passcode, u.pin)
	minute, right := u.find(code, m.cfg.Now())
	if !hasPIN || !right {
		m.miss(u)
		return false
	}
	u.used = minute
	if u.mode != ModeNextTokencode { // there the failures end with the second tokencode
		u.failures = 0
	}
	return true
}

func (m *Manager) miss(u *user) {
	u.failures++
	if u.failures >= m.cfg.NextTokencodeAfter && u.mode == ModeReady {
		u.mode = ModeNextTokencode
	}
	u.locked = u.failures >= m.cfg.LockoutAfter
}

// proceed judges an answer within a dialogue.
func (m *Manager) proceed(d dialogue, answer string) judgement {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[d.name]
	if u == nil || u.locked {
		return judgement{}
	}
	switch d.phase {
	case phaseNewPIN:
		return m.choosePIN(d, answer)
	case phaseConfirmPIN:
		if answer != d.pin {
			return ask(d, phaseNewPIN, m.promptNewPIN())
		}
		return m.setPIN(u, d)
	case phaseSystemPIN:
		if !strings.EqualFold(answer, "y") {
			return judgement{}
		}
		d.pin = m.makePIN()
		return ask(d, phaseShowPIN, fmt.Sprintf(promptShowPIN, d.pin))
	case phaseShowPIN:
		if !strings.EqualFold(answer, "y") {
			return judgement{}
		}
		return m.setPIN(u, d)
	case phaseNextTokencode:
		return m.nextTokencode(u, answer)
	case phaseOnDemand:
		return judgement{yes: m.consume(u, u.pin+answer)}
	}
	return judgement{yes: m.consume(u, answer)}
}

// promptNewPIN says how long a PIN has to be.
func (m *Manager) promptNewPIN() string {
	length := fmt.Sprintf("from %d to %d", m.cfg.MinPIN, m.cfg.MaxPIN)
	if m.cfg.MinPIN == m.cfg.MaxPIN {
		length = strconv.Itoa(m.cfg.MinPIN)
	}
	prompt := fmt.Sprintf(promptNewPIN, length)
	if m.cfg.EnterMakesPIN {
		prompt = strings.TrimSuffix(prompt, ":") + promptEnter
	}
	return prompt
}

// choosePIN asks again for a PIN that cannot be one.
func (m *Manager) choosePIN(d dialogue, answer string) judgement {
	if answer == "" && m.cfg.EnterMakesPIN {
		d.pin = m.makePIN()
		return ask(d, phaseShowPIN, fmt.Sprintf(promptShowPIN, d.pin))
	}
	bad := strings.ContainsFunc(answer, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if bad || len(answer) < m.cfg.MinPIN || len(answer) > m.cfg.MaxPIN {
		return ask(d, phaseNewPIN, m.promptNewPIN())
	}
	d.pin = answer
	return ask(d, phaseConfirmPIN, PromptConfirmPIN)
}

// setPIN ends New PIN mode; the login goes on with the new PIN and a tokencode not used yet.
func (m *Manager) setPIN(u *user, d dialogue) judgement {
	u.pin, u.mode = d.pin, ModeReady
	return ask(d, phasePasscode, PromptAccepted)
}

// nextTokencode gives one chance.
func (m *Manager) nextTokencode(u *user, code string) judgement {
	minute, right := u.find(code, m.cfg.Now())
	if !right {
		m.miss(u)
		return judgement{}
	}
	u.used, u.failures, u.mode = minute, 0, ModeReady
	return judgement{yes: true}
}
