package main

import (
	"context"
	"errors"
	"log/slog"

	"sallyport/login"
)

// askedHandler reads along in the audit, and tells the token who is asked for what it shows.
type askedHandler struct {
	slog.Handler
	token *token
}

// Enabled is true also where nobody reads the audit.
func (h askedHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle passes the line on after the token was told.
func (h askedHandler) Handle(ctx context.Context, r slog.Record) error {
	var user, next string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "user":
			user = a.Value.String()
		case "next":
			next = a.Value.String()
		}
		return true
	})
	err := h.token.asked(user, login.Step(next))
	if h.Handler.Enabled(ctx, r.Level) {
		err = errors.Join(err, h.Handler.Handle(ctx, r))
	}
	return err
}
