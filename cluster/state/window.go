package state

// Bounds of windows: how many are stored, and the octets of a subject, which bounds whoever makes
// commands too.
const (
	maxWindows = 10_000
	MaxSubject = 1024
)

// Window is a subject for which an administrator has opened the window for a first registration, until
// a time in nanoseconds since 1970.
type Window struct {
	Subject string
	Until   int64
}

func (o *Window) wire(w *wire) {
	w.str(1, &o.Subject)
	w.int(2, &o.Until)
}

func windowKey(subject string) tag { return subjectKey("window", subject) }

// window returns until when the window under a key is open.
func (t *txn) window(key tag) (until int64, found bool) {
	b, ok := t.windows.get(key)
	if !ok {
		return 0, false
	}
	var o Window
	mustDecode(t.wire, b, &o)
	return o.Until, true
}

// apply opens a window until a time, or closes it when that time is past. One that was closed stays
// where it is until it is looked at.
func (c *OpenWindow) apply(t *txn) Result {
	return t.once(c.Act, func() Result { return c.open(t) })
}

func (c *OpenWindow) open(t *txn) Result {
	if c.Subject == "" || len(c.Subject) > MaxSubject {
		return Result{Status: Ignored}
	}
	key := windowKey(c.Subject)
	_, known := t.windows.get(key)
	switch {
	case !known && c.Until <= t.time:
		return Result{Status: Done}
	case !known && t.windows.size >= maxWindows:
		return Result{Status: Conflict}
	case !known:
		t.queue(t.seldom(ceilSeconds(c.Until)), key)
	}
	t.windows.set(t.edit, key, t.wire.encode(&Window{c.Subject, c.Until}))
	return Result{Status: Done}
}

// Windows returns the windows that are stored, also those that have ended.
func (v View) Windows() []Window {
	var all []Window
	w := v.wire()
	v.root.windows.walk(func(_ tag, b []byte) bool {
		var o Window
		mustDecode(w, b, &o)
		all = append(all, o)
		return true
	})
	return all
}

// Window returns until when the subject's window is open, 0 when it is not stored.
func (v View) Window(subject string) int64 {
	b, ok := v.root.windows.get(windowKey(subject))
	if !ok {
		return 0
	}
	var o Window
	mustDecode(v.wire(), b, &o)
	return o.Until
}
