package sms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template/parse"
)

// values are what a template may put in. The empty value is one that is not set.
type values map[string]string

// template is a text with variables. It knows {{.Name}} and {{if .Name}}…{{else}}…{{end}} and nothing
// else: no functions, no loops, no other templates, so nothing that a template's author could run or
// escape wrongly.
type template struct {
	nodes []parse.Node
	place place
}

// parseTemplate reads a template whose variables stand in one kind of place. Names are the variables
// that it may use; those in conditions may be asked for only.
func parseTemplate(text string, p place, names []string) (template, error) {
	// Without a list of functions, the parser knows none.
	trees, err := parse.Parse("template", strings.TrimSpace(text), "", "")
	if err != nil {
		// The parser names its template and line, and quotes what it does not understand.
		return template{}, fmt.Errorf("is not a template: %s", strings.TrimPrefix(err.Error(), "template: template:"))
	}
	tree := trees["template"]
	if len(trees) != 1 || tree == nil {
		return template{}, errOnlyFields
	}
	if err := check(tree.Root, names); err != nil {
		return template{}, err
	}
	return template{nodes: tree.Root.Nodes, place: p}, nil
}

var errOnlyFields = errors.New("knows {{.Name}} and {{if .Name}}…{{else}}…{{end}} only")

// onlyAsked are the variables that stand in conditions only: they have no text.
func onlyAsked() []string { return []string{"Unicode", "Many"} }

// check refuses what is neither text, a variable nor a condition.
func check(list *parse.ListNode, names []string) error {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var name string
		switch n := n.(type) {
		case *parse.TextNode:
			continue
		case *parse.ActionNode:
			name = field(n.Pipe)
			if slices.Contains(onlyAsked(), name) {
				return fmt.Errorf("{{.%s}} has no text: write {{if .%s}}…{{end}}", name, name)
			}
		case *parse.IfNode:
			name = field(n.Pipe)
			if err := errors.Join(check(n.List, names), check(n.ElseList, names)); err != nil {
				return err
			}
		}
		if name == "" {
			return errOnlyFields
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("{{.%s}} is not known here; the variables are .%s", name, strings.Join(names, ", ."))
		}
	}
	return nil
}

// field returns the Name of a pipe that is nothing but .Name, else "".
func field(pipe *parse.PipeNode) string {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return ""
	}
	f, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(f.Ident) != 1 {
		return ""
	}
	return f.Ident[0]
}

// render puts the values in, each escaped for the template's place. An error means that a value
// cannot stand there; it does not show the value.
func (t template) render(v values) (string, error) {
	var b strings.Builder
	err := t.write(&b, t.nodes, v)
	return b.String(), err
}

func (t template) write(b *strings.Builder, nodes []parse.Node, v values) error {
	for _, n := range nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			b.Write(n.Text)
		case *parse.ActionNode:
			name := field(n.Pipe)
			text, err := t.place.escape(v[name])
			if err != nil {
				return fmt.Errorf("{{.%s}} %w", name, err)
			}
			b.WriteString(text)
		case *parse.IfNode:
			branch := n.List
			if v[field(n.Pipe)] == "" {
				branch = n.ElseList
			}
			if branch == nil {
				continue
			}
			if err := t.write(b, branch.Nodes, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// needs returns the variables that stand outside of conditions, and so must be set.
func (t template) needs() (names []string) {
	for _, n := range t.nodes {
		if a, ok := n.(*parse.ActionNode); ok {
			names = append(names, field(a.Pipe))
		}
	}
	return names
}
