package login

import "log/slog"

// Secret is a text that must never be seen: printing or logging it shows "[redacted]".
// Use [Secret.Reveal] where the text itself is needed. The zero value is the empty secret.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the secret from fmt.
func (s Secret) String() string { return redacted }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return redacted }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders such as JSON and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
