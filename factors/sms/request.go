package sms

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport/login"
)

// The variables of a request. A header holds none that comes from a person.
func headerVariables() []string {
	return []string{"From", "Account", "Username", "Password", "Basic", "Trace"}
}

func requestVariables() []string {
	return append([]string{"To", "ToDigits", "Text", "Unicode"}, headerVariables()...)
}

// site is what the configuration puts into requests.
func (c Config) site() values {
	v := values{"From": c.From, "Account": c.Account, "Username": c.Username, "Password": c.Password.Reveal()}
	if c.Username != "" || c.Password != "" {
		v["Basic"] = base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password.Reveal()))
	}
	return v
}

// with returns the values of one message.
func (v values) with(to login.Address, text, trace string) values {
	all := maps.Clone(v)
	all["To"], all["ToDigits"], all["Text"], all["Trace"] = to.Text, strings.TrimPrefix(to.Text, "+"), text, trace
	if _, unicode := units(text); unicode {
		all["Unicode"] = "true"
	}
	return all
}

// requestMaker makes the requests to all gateways of a site. It is not changed after newRequestMaker.
type requestMaker struct {
	method, contentType string
	headers             map[string]template
	body                template
}

// target is the URL of one gateway.
type target struct {
	scheme, host string
	path, query  template
}

// newRequestMaker reads the templates of a configuration with its defaults. Each error begins with the
// key that it is about.
func newRequestMaker(c Config) (*requestMaker, []error) {
	m := &requestMaker{method: c.Method, contentType: c.ContentType, headers: make(map[string]template)}
	var faults []error
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, c.Method) {
		faults = append(faults, errors.New("method: must be GET, POST or PUT"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if c.Headers[name] == "" {
			continue // that is how a site leaves out a preset's
		}
		t, err := header(name, c.Headers[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("headers.%s: %w", name, err))
		}
		m.headers[name] = t
	}
	if err := checkLiterals(c.Query, inQuery); err != nil {
		faults = append(faults, fmt.Errorf("query: %w", err))
	}
	if c.Body == "" && c.ContentType == "" {
		return m, faults
	}
	if c.Method == http.MethodGet {
		faults = append(faults, errors.New("body: a GET request has none; set method, or use query"))
	}
	if c.ContentType == "" {
		return m, append(faults, errors.New(`content_type: missing: say what the body is, such as "application/json"`))
	}
	p, err := bodyPlace(c.ContentType)
	if err != nil {
		return m, append(faults, fmt.Errorf("content_type: %w", err))
	}
	if m.body, err = parseTemplate(c.Body, p, requestVariables()); err != nil {
		faults = append(faults, fmt.Errorf("body: %w", err))
	}
	if err := checkLiterals(c.Body, p); err != nil {
		faults = append(faults, fmt.Errorf("body: %w", err))
	}
	return m, faults
}

func header(name, value string) (template, error) {
	switch http.CanonicalHeaderKey(name) {
	case "Content-Type":
		return template{}, errors.New("is set by content_type")
	case "Host", "Content-Length", "Transfer-Encoding", "Connection":
		return template{}, errors.New("is not set by hand")
	}
	if name == "" || strings.ContainsFunc(name, notInHeaderName) {
		return template{}, errors.New("is not the name of a header")
	}
	t, err := parseTemplate(value, inHeader, headerVariables())
	if err == nil && secretLiteral(name, inEitherCase(value)) {
		err = errLiteral
	}
	return t, err
}

func notInHeaderName(r rune) bool {
	return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r)
}

// newTarget reads one of a configuration's URLs. An error does not show the URL's query, which may
// hold a secret.
func newTarget(c Config, text string) (target, error) {
	text, own, hasOwn := strings.Cut(text, "?")
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return target{}, errors.New("a gateway's URL begins with https:// (or http:// on this machine)")
	}
	host, path, _ := strings.Cut(rest, "/")
	var faults []error
	to := target{scheme: scheme}
	if t, err := parseTemplate(host, inHost, []string{"Account"}); err != nil {
		faults = append(faults, fmt.Errorf("the host %w", err))
	} else if to.host, err = t.render(c.site()); err != nil {
		faults = append(faults, fmt.Errorf("the host: %w", err))
	}
	var err error
	if to.path, err = parseTemplate("/"+path, inPath, requestVariables()); err != nil {
		faults = append(faults, fmt.Errorf("the path %w", err))
	}
	if err := checkLiterals(path, inPath); err != nil {
		faults = append(faults, fmt.Errorf("the path: %w", err))
	}
	query := c.Query
	if hasOwn {
		query = own
	}
	if to.query, err = parseTemplate(query, inQuery, requestVariables()); err != nil {
		faults = append(faults, fmt.Errorf("the query %w", err))
	}
	if err := checkLiterals(own, inQuery); err != nil {
		faults = append(faults, fmt.Errorf("the query: %w", err))
	}
	return to, errors.Join(append(faults, to.checkHost(c))...)
}

func (t target) checkHost(c Config) error {
	u, err := url.Parse(t.scheme + "://" + t.host)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.Host != t.host:
		return errors.New("the host must be of the form name or name:port; credentials are username and password_file")
	case t.inClear(c.Proxy) && !c.AllowHTTP:
		through := ""
		if c.Proxy != "" {
			through = "through a proxy "
		}
		return fmt.Errorf("%shttp://%s would carry codes and the password in the clear; use https://, or set allow_http", through, t.host)
	}
	return nil
}

// make returns the request that hands a message to a gateway.
func (m *requestMaker) make(ctx context.Context, to target, v values) (*http.Request, error) {
	path, err := to.path.render(v)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	query, err := to.query.render(v)
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	body, err := m.body.render(v)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	address := to.scheme + "://" + to.host + path
	if query != "" {
		address += "?" + query
	}
	r, err := http.NewRequestWithContext(ctx, m.method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("url: the path is not one once the variables are in it") // err quotes the URL
	}
	for name, t := range m.headers {
		text, err := t.render(v)
		if err != nil {
			return nil, fmt.Errorf("headers.%s: %w", name, err)
		}
		if text != "" {
			r.Header.Set(name, text)
		}
	}
	r.Header.Set("User-Agent", "sallyport")
	if m.contentType != "" {
		r.Header.Set("Content-Type", m.contentType)
	}
	return r, nil
}
