package sms

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sallyport/factors/internal/faults"
	"sallyport/login"
)

// plan is what a configuration says of requests and answers, ready for use. It is not changed after
// newPlan, except for what each gateway counts.
type plan struct {
	requests *requestMaker
	rules    *rules
	gateways []*gateway
}

// newPlan reads a configuration with its defaults, and tries it with hostile texts: what does not stay
// well formed is refused. Each error begins with the key that it is about.
func newPlan(c Config) (plan, []error) {
	var p plan
	var list, more []error
	p.requests, list = newRequestMaker(c)
	p.rules, more = newRules(c.Exchange)
	list = append(list, more...)
	if len(c.URL) == 0 {
		list = append(list, errors.New("url: missing; set where the gateway takes messages"))
	}
	for _, address := range c.URL {
		to, err := newTarget(c, address)
		if err != nil {
			list = append(list, faults.Keyed("url", err)...)
			continue
		}
		p.gateways = append(p.gateways, &gateway{target: to})
	}
	if len(list) > 0 {
		return plan{}, list
	}
	return p, append(p.checkNeeds(c), p.tryOut(c.site())...)
}

// needs are the variables without which a request to a gateway cannot be made.
func (p plan) needs(to target) []string {
	needed := slices.Concat(p.requests.body.needs(), to.path.needs(), to.query.needs())
	for _, t := range p.requests.headers {
		needed = append(needed, t.needs()...)
	}
	return needed
}

// checkNeeds reports the settings whose variables are used and that are empty, and a gateway that
// would not be told the message.
func (p plan) checkNeeds(c Config) (faults []error) {
	missing := make(map[string]error) // by key, since several gateways need the same
	for _, g := range p.gateways {
		needed := p.needs(g.target)
		for _, s := range []struct{ key, variable, value, remedy string }{
			{"account", "Account", c.Account, ""}, {"username", "Username", c.Username, ""}, {"from", "From", c.From, ""},
			{"password", "Password", c.Password.Reveal(), "; set password_file"},
			{"password", "Basic", c.Password.Reveal(), "; set password_file"},
		} {
			if slices.Contains(needed, s.variable) && s.value == "" {
				missing[s.key] = fmt.Errorf("%s: missing, and the request needs {{.%s}}%s", s.key, s.variable, s.remedy)
			}
		}
		if !slices.Contains(needed, "Text") {
			missing["body"] = errors.New("body: neither it nor the query holds {{.Text}}: the message would not be sent")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(missing)) {
		faults = append(faults, missing[key])
	}
	return faults
}

// tryOut renders requests with texts that try to break out of their place, in both alphabets.
func (p plan) tryOut(site values) (faults []error) {
	to := login.Address{Text: "+923001234567"}
	for _, text := range []string{"a\"b'c\\d<e>&f=%00{}[]#\n]]>-->", "\u0643\u0648\u062f \"\\<&"} {
		v := site.with(to, text, "trace-1")
		for _, g := range p.gateways {
			faults = append(faults, judged("url", g.path, v)...)
			faults = append(faults, judged("query", g.query, v)...)
		}
		faults = append(faults, judged("body", p.requests.body, v)...)
		for name, t := range p.requests.headers {
			faults = append(faults, judged("headers."+name, t, v)...)
		}
		if len(faults) > 0 {
			return faults
		}
	}
	return nil
}

func judged(key string, t template, v values) []error {
	if len(t.nodes) == 0 {
		return nil
	}
	text, err := t.render(v)
	if err == nil {
		err = t.place.judge(text)
	}
	if err != nil {
		return []error{fmt.Errorf("%s: %w", key, err)}
	}
	return nil
}
