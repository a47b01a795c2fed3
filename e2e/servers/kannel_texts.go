package servers

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// Text is a message as it reached the SMSC.
type Text struct {
	From, To string
	// Unicode means that it came as UCS-2, where 70 characters are a part.
	Unicode bool
	Body    string
}

// reader remembers which texts were handed out. Its zero value has handed out none.
type reader struct {
	mu    sync.Mutex
	taken map[string]int // by number
}

// Texts returns all messages that have arrived. The simulator prints a message of several lines line
// by line, so of the newest one the later lines may be missing.
func (k *Kannel) Texts(ctx context.Context) ([]Text, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(k.messages)
	if err != nil {
		return nil, err
	}
	return parseTexts(string(raw))
}

// Next waits for the next message to a number, in E.164 form, that was not handed out before.
func (k *Kannel) Next(ctx context.Context, to string) (Text, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, ok, err := k.take(ctx, to)
		if err != nil || ok {
			return text, err
		}
		select {
		case <-ctx.Done():
			return Text{}, fmt.Errorf("no message to %s: %w", to, ctx.Err())
		case <-tick.C:
		}
	}
}

func (k *Kannel) take(ctx context.Context, to string) (Text, bool, error) {
	k.read.mu.Lock()
	defer k.read.mu.Unlock()
	all, err := k.Texts(ctx)
	if err != nil {
		return Text{}, false, err
	}
	n := 0
	for _, text := range all {
		if text.To != to {
			continue
		}
		if n++; n > k.read.taken[to] {
			if k.read.taken == nil {
				k.read.taken = make(map[string]int)
			}
			k.read.taken[to] = n
			return text, true, nil
		}
	}
	return Text{}, false, nil
}

// aCode is a code in a text: six to eight digits that stand alone.
var aCode = regexp.MustCompile(`\b[0-9]{6,8}\b`)

// Code waits for the next message to a number and returns the code in it.
func (k *Kannel) Code(ctx context.Context, to string) (string, error) {
	text, err := k.Next(ctx, to)
	if err != nil {
		return "", err
	}
	code := aCode.FindString(text.Body)
	if code == "" {
		return "", fmt.Errorf("no code in %q", text.Body)
	}
	return code, nil
}

// What the simulator prints: a line for each line of a message, the first with sender, number and
// coding in front.
var (
	gotLine  = regexp.MustCompile(`Got message \d+: <(.*)>$`)
	gotFirst = regexp.MustCompile(`^(\S+) (\+\S+) (text|ucs-2) (.*)$`)
)

func parseTexts(log string) (texts []Text, err error) {
	for line := range strings.Lines(log) {
		got := gotLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if got == nil {
			continue
		}
		first := gotFirst.FindStringSubmatch(got[1])
		if first == nil {
			if len(texts) == 0 {
				return nil, fmt.Errorf("the simulator printed %q", line)
			}
			texts[len(texts)-1].Body += "\n" + got[1]
			continue
		}
		text := Text{From: first[1], To: first[2], Body: first[4], Unicode: first[3] == "ucs-2"}
		if text.Unicode {
			if text.Body, err = fromUCS2(text.Body); err != nil {
				return nil, err
			}
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// fromUCS2 reads the octets of UTF-16BE, written as in a URL.
func fromUCS2(escaped string) (string, error) {
	octets, err := url.QueryUnescape(escaped)
	if err != nil || len(octets)%2 != 0 {
		return "", fmt.Errorf("%q is not UCS-2: %w", escaped, err)
	}
	units := make([]uint16, len(octets)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16([]byte(octets[2*i:]))
	}
	return string(utf16.Decode(units)), nil
}
