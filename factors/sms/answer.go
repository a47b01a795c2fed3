package sms

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// outcome is what became of one request. The zero value is the careful one.
type outcome int

const (
	// unknown: the gateway may or may not have taken the message.
	unknown outcome = iota
	// unsent: the request never reached the gateway.
	unsent
	// busy: the gateway did not take the message, and may later.
	busy
	// refused: the gateway will not take this message.
	refused
	// taken: the gateway has the message.
	taken
	// queued: the gateway has it too, and cannot pass it on at the moment.
	queued
	outcomes = int(queued) + 1
)

// answer is what a gateway said.
type answer struct {
	status int
	body   []byte
	// cut means that there was more than body.
	cut bool
}

// rules tell the outcome from an answer. They are not changed after newRules.
type rules struct {
	successStatus, retryStatus                           []int
	successBody, queuedBody, retryBody, identity, reason *regexp.Regexp
	successJSON, retryJSON                               []condition
	identityPath, reasonPath                             string
}

// newRules reads the rules of a configuration with its defaults. Each error begins with the key that
// it is about.
func newRules(e Exchange) (*rules, []error) {
	var faults []error
	expression := func(key, text string, groups int) *regexp.Regexp {
		if text == "" {
			return nil
		}
		x, err := regexp.Compile(text)
		if err == nil && x.NumSubexp() < groups {
			err = errors.New("has no group (…) around what is looked for")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", key, err))
		}
		return x
	}
	conditions := func(key string, texts []string) (list []condition) {
		for _, text := range texts {
			c, err := parseCondition(text)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", key, err))
			}
			list = append(list, c)
		}
		return list
	}
	r := &rules{
		successStatus: e.SuccessStatus, retryStatus: e.RetryStatus,
		successBody: expression("success_body", e.SuccessBody, 0), queuedBody: expression("queued_body", e.QueuedBody, 0),
		retryBody: expression("retry_body", e.RetryBody, 0),
		identity:  expression("id_body", e.IDBody, 1), reason: expression("reason_body", e.ReasonBody, 1),
		successJSON: conditions("success_json", e.SuccessJSON), retryJSON: conditions("retry_json", e.RetryJSON),
		identityPath: e.IDJSON, reasonPath: e.ReasonJSON,
	}
	for key, list := range map[string][]int{"success_status": e.SuccessStatus, "retry_status": e.RetryStatus} {
		for _, status := range list {
			if status < 100 || status > 599 {
				faults = append(faults, fmt.Errorf("%s: %d is not an HTTP status", key, status))
			}
		}
	}
	return r, faults
}

// judge tells what an answer means.
func (r *rules) judge(a answer) outcome {
	tree := a.json()
	switch {
	case slices.Contains(r.retryStatus, a.status),
		r.retryBody != nil && r.retryBody.Match(a.body),
		len(r.retryJSON) > 0 && holdAll(r.retryJSON, tree):
		return busy
	case slices.Contains(r.successStatus, a.status) && (r.successBody == nil || r.successBody.Match(a.body)) && holdAll(r.successJSON, tree):
		if r.queuedBody != nil && r.queuedBody.Match(a.body) {
			return queued
		}
		return taken
	case a.status >= 500, a.status == http.StatusRequestTimeout:
		return unknown
	case a.status < 300 && (a.cut || len(r.successJSON) > 0 && tree == nil):
		return unknown // it may be a success that cannot be read
	}
	return refused
}

// id and why are the gateway's id of a message, and its code for a refusal; "" where it gave none.
func (r *rules) id(a answer) string  { return found(a, r.identityPath, r.identity) }
func (r *rules) why(a answer) string { return found(a, r.reasonPath, r.reason) }

func found(a answer, path string, x *regexp.Regexp) string {
	if path != "" {
		text, _ := at(a.json(), path)
		return text
	}
	if x != nil {
		if match := x.FindSubmatch(a.body); match != nil {
			return string(match[1])
		}
	}
	return ""
}
