package login

import "context"

// clientKey is the key of the client in a context.
type clientKey struct{}

// WithClient lets what is asked for a request know the client that it is for.
func WithClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, name)
}

// ClientOf returns the name of the client for whom something is asked, "" when it is for none. Back ends
// share what they have among clients by it.
func ClientOf(ctx context.Context) string {
	name, _ := ctx.Value(clientKey{}).(string)
	return name
}
