package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"sallyport/login"
)

// nodeLog reads what a node of the demo logs, line by line: who is asked for what a token shows, who leads.
// What an administrator would have to repair is passed on.
type nodeLog struct {
	node    string
	world   *demoWorld
	history *chronicle
	// errors gets what is passed on; all of it when loud.
	errors io.Writer
	loud   bool

	line []byte
}

// maxNodeLine bounds a line that is kept until its end comes.
const maxNodeLine = 64 << 10

// Write takes p apart into lines.
func (l *nodeLog) Write(p []byte) (int, error) {
	l.line = append(l.line, p...)
	for {
		end := bytes.IndexByte(l.line, '\n')
		if end < 0 && len(l.line) < maxNodeLine {
			return len(p), nil
		}
		if end < 0 {
			end = len(l.line) - 1
		}
		if err := l.take(l.line[:end+1]); err != nil {
			return 0, err
		}
		l.line = append(l.line[:0], l.line[end+1:]...)
	}
}

// take reads one line. One that is no JSON is what a process says that fails.
func (l *nodeLog) take(line []byte) error {
	var said struct{ Level, Msg, Component, Event, User, Next string }
	var syntax *json.SyntaxError
	foreign := errors.As(json.Unmarshal(line, &said), &syntax)
	repair := said.Level == slog.LevelError.String() && said.Component != "raft" // which counts who is gone
	if foreign || l.loud || repair {
		fmt.Fprintf(l.errors, "%s: %s", l.node, line)
	}
	switch {
	case foreign:
		return nil
	case said.Event == "login":
		return l.world.token.asked(said.User, login.Step(said.Next))
	case said.Msg == leadsMessage:
		l.history.leads(l.node)
	}
	return nil
}

// leadsMessage is what a node logs that begins to lead.
const leadsMessage = "the node leads"
