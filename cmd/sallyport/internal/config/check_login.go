package config

import "time"

// login checks that limits and times leave a login possible, and end it.
func (c *checker) login() {
	l := c.Login
	for key, value := range map[string]uint32{
		"attempts": l.Attempts, "soft_lock": l.SoftLock, "hard_lock": l.HardLock, "peak_rate": l.PeakRate,
		"password_tries": l.PasswordTries,
	} {
		if value == 0 {
			c.fault("login."+key, "must be at least 1")
		}
	}
	for key, value := range map[string]time.Duration{
		"challenge_life": l.ChallengeLife, "registration_life": l.RegistrationLife,
		"sent_life": l.SentLife, "dialogue_life": l.DialogueLife,
	} {
		if value < 10*time.Second || value > time.Hour {
			c.fault("login."+key, "must be between 10s and 1h")
		}
	}
	if l.SoftLockFor < time.Second || l.SoftLockMax < l.SoftLockFor {
		c.fault("login.soft_lock_for", "must be at least 1s, and at most soft_lock_max")
	}
	if l.HardLock < l.SoftLock {
		c.fault("login.hard_lock", "must not be less than soft_lock")
	}
	if l.PasswordTriesEvery < time.Second || l.PasswordTriesEvery > 24*time.Hour {
		c.fault("login.password_tries_every", "must be between 1s and 24h")
	}
	if l.SecurIDWithoutQuorum > 24*time.Hour {
		c.fault("login.securid_without_quorum", "must be at most 24h, or 0s for never")
	}
	if l.RejectDelay > 5*time.Second {
		c.fault("login.reject_delay", "must be at most 5s: clients do not wait longer")
	}
}
