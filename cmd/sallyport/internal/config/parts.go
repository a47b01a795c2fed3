package config

import (
	"log/slog"
	"net/netip"
	"time"

	"sallyport/factors"
	"sallyport/factors/securid"
	"sallyport/login"
	"sallyport/radius"
)

// Accounting returns where accounting is answered. What the file does not name is no reason not to start.
func (c *Config) Accounting() radius.Accounting {
	return radius.Accounting{Listen: c.Radius.AccountingListen, Optional: !c.Radius.AccountingGiven}
}

// accountingListen is what the file says of accounting; nil where it follows from radius.listen.
func (c *Config) accountingListen() any {
	if !c.Radius.AccountingGiven {
		return nil
	}
	return c.Radius.AccountingListen
}

// RadiusClients returns the clients as the radius server takes them.
func (c *Config) RadiusClients() []radius.Client {
	clients := make([]radius.Client, len(c.Clients))
	for i, client := range c.Clients {
		clients[i] = client.radius()
	}
	return clients
}

func (c Client) radius() radius.Client {
	var networks []netip.Prefix
	for _, text := range c.Address {
		if n, err := radius.ParseNetwork(text); err == nil { // a wrong one is a fault already
			networks = append(networks, n)
		}
	}
	return radius.Client{
		Name:      c.Name,
		Addresses: networks,
		Secret:    c.Secret,
		MessageAuthenticator: map[string]radius.Rule{
			"auto": radius.RuleAuto, "required": radius.RuleRequired, "optional": radius.RuleOptional,
		}[c.MessageAuthenticator],
		ProxyStateLimit: int(c.ProxyStateLimit),
		Policy:          c.Policy,
		UI:              c.UI,
		OnOutage: map[string]radius.Outage{
			"silent": radius.OutageSilent, "reject": radius.OutageReject,
		}[c.OnOutage],
		Charset: map[string]radius.Charset{
			"auto": radius.CharsetAuto, "utf-8": radius.CharsetUTF8, "latin-1": radius.CharsetLatin1,
		}[c.Charset],
		Prompts: map[string]radius.Prompts{"ascii": radius.PromptsASCII, "utf-8": radius.PromptsUTF8}[c.Prompts],
		Mode: map[string]login.Mode{
			"challenge": login.ModeChallenge, "append": login.ModeAppend, "otp-only": login.ModeOTPOnly,
		}[c.Mode],
		AppendDigits: c.appendDigits(),
		Language:     c.Language,
		Profile: map[string]login.Profile{
			"plain": login.ProfilePlain, "asa-sdi": login.ProfileASASDI, "upstream": login.ProfileUpstream,
		}[c.Profile],
		Replies: c.replies,
	}
}

// appendDigits is the length of the code behind the password, 0 where a comma stands between them.
func (c Client) appendDigits() int {
	if c.Mode == "append" && c.Append == "digits" {
		return int(c.AppendDigits)
	}
	return 0
}

// RejectDelay returns the delay as the radius server takes it, where zero would mean the default.
func (c *Config) RejectDelay() time.Duration {
	if c.Login.RejectDelay == 0 {
		return -1
	}
	return c.Login.RejectDelay
}

// LoginPolicies returns the policies as the engine takes them.
func (c *Config) LoginPolicies() map[string]login.Policy {
	policies := make(map[string]login.Policy, len(c.Policies))
	for name, p := range c.Policies {
		policies[name] = p.login(name)
	}
	return policies
}

func (p Policy) login(name string) login.Policy {
	policy := login.Policy{
		Name: name, Directory: p.Directory, Factors: p.Factors,
		Registration:    login.Registration(p.Registration),
		ConcealPassword: p.ConcealPassword, OneRSAMessage: p.OneRSAMessage,
	}
	for _, r := range p.Group {
		policy.Groups = append(policy.Groups, login.GroupRule{
			Groups: r.Groups, Deny: r.Deny, Factors: r.Factors, Registration: login.Registration(r.Registration),
		})
	}
	for _, e := range p.Exempt {
		policy.Exemptions = append(policy.Exemptions, login.Exemption(e))
	}
	return policy
}

// Limits returns the thresholds of a login. The ledger's capacity is what can be open, or remembered
// for retransmissions, at the peak rate: that many logins, and a tenth as many registrations, whose
// challenges live longer. A login lives as long as the slowest of the factors that are configured
// lets it.
func (c *Config) Limits() login.Limits {
	limits := login.DefaultLimits()
	limits.Attempts = c.Login.Attempts
	limits.SoftLock = c.Login.SoftLock
	limits.SoftLockFor = c.Login.SoftLockFor
	limits.SoftLockMax = c.Login.SoftLockMax
	limits.HardLock = c.Login.HardLock
	kept := func(life time.Duration) uint64 { return uint64((life + limits.Keep) / time.Second) }
	rate := uint64(c.Login.PeakRate)
	limits.Capacity = rate*kept(c.loginLife()) + (rate+9)/10*kept(max(c.Login.RegistrationLife, c.loginLife()))
	return limits
}

// loginLife is the longest life of a login's challenge.
func (c *Config) loginLife() time.Duration {
	life := c.Login.ChallengeLife
	for _, k := range c.Factors.Kinds() {
		switch {
		case !k.Configured:
		case k.Addressed:
			life = max(life, c.Login.SentLife)
		case !k.Registered:
			life = max(life, c.Login.DialogueLife)
		}
	}
	return life
}

// FactorDeps returns what factors are built with.
func (c *Config) FactorDeps(log *slog.Logger, now func() time.Time) factors.Deps {
	return factors.Deps{Logger: log, Now: now, Upstream: func(s securid.Config) (securid.Upstream, error) {
		u, err := c.Upstream(s, log, now)
		if err != nil {
			return nil, err
		}
		return u, nil
	}}
}

// Upstream returns what forwards answers to the servers of s, [factors.securid]. It asks none yet, and keeps
// nothing over a restart.
func (c *Config) Upstream(s securid.Config, log *slog.Logger, now func() time.Time) (*radius.Upstream, error) {
	return radius.NewUpstream(c.UpstreamConfig(s, log, now))
}

// UpstreamConfig is what [Config.Upstream] makes it of.
func (c *Config) UpstreamConfig(s securid.Config, log *slog.Logger, now func() time.Time) radius.UpstreamConfig {
	s = s.Effective().(securid.Config)
	var address netip.Addr
	if a, err := netip.ParseAddr(s.NASAddress); err == nil { // a wrong one is a fault already
		address = a
	}
	return radius.UpstreamConfig{
		Servers: s.Servers, Secret: s.Secret,
		NASIdentifier: s.NASIdentifier, NASAddress: address,
		MessageAuthenticator: map[string]radius.Rule{
			securid.ReplyAuto: radius.RuleAuto, securid.ReplyRequired: radius.RuleRequired, securid.ReplyOptional: radius.RuleOptional,
		}[s.MessageAuthenticator],
		Attributes: s.PassAttributes, Dictionary: c.dictionary, VendorID: c.Radius.VendorID,
		Timing: radius.Timing{Total: s.Timeout}, Logger: log, Now: now,
	}
}

// LogLevel returns the level of the log.
func (c *Config) LogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil { // the check knows the words
		return slog.LevelInfo
	}
	return level
}
