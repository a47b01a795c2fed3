package sms

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// json returns the body as a tree, or nil.
func (a answer) json() any {
	var tree any
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil
	}
	return tree
}

// condition compares the value at a path.
type condition struct {
	path, value string
	differs     bool
}

func parseCondition(text string) (condition, error) {
	path, value, ok := strings.Cut(text, "=")
	path, differs := strings.CutSuffix(path, "!")
	if path = strings.TrimSpace(path); !ok || path == "" {
		return condition{}, fmt.Errorf(`%q is not of the form "path.to.value=text"`, text)
	}
	return condition{path: path, value: strings.TrimSpace(value), differs: differs}, nil
}

// holdAll reports whether all conditions hold. A value that is not there fits none.
func holdAll(list []condition, tree any) bool {
	for _, c := range list {
		text, ok := at(tree, c.path)
		if !ok || (text == c.value) == c.differs {
			return false
		}
	}
	return true
}

// at returns the text, number or truth at a path such as messages.0.status.
func at(tree any, path string) (string, bool) {
	for step := range strings.SplitSeq(path, ".") {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return "", false
			}
			tree = node[i]
		default:
			return "", false
		}
	}
	switch leaf := tree.(type) {
	case string:
		return leaf, true
	case json.Number:
		return leaf.String(), true
	case bool:
		return strconv.FormatBool(leaf), true
	}
	return "", false
}
