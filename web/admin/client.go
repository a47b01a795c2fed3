package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"sallyport/web/status"
)

// The reasons why the daemon was not asked; compare with [errors.Is].
var (
	// ErrUnreachable means that nobody listens on the socket.
	ErrUnreachable = errors.New("the daemon cannot be reached")
	// ErrPermission means that the socket's mode forbids it.
	ErrPermission = errors.New("not permitted")
)

// Caller asks the daemon behind a socket. Its methods return [ErrUnreachable] or [ErrPermission],
// wrapped, when the daemon was not asked, and a *[Problem] when it said no. It is safe for
// concurrent use.
type Caller struct {
	socket string
	http   *http.Client
}

// maxAnswerBytes bounds what is read of an answer: a page of users stays well below.
const maxAnswerBytes = 16 << 20

// NewCaller returns a caller for the socket; empty means [DefaultSocket]. Nothing is dialled yet.
func NewCaller(socket string) *Caller {
	if socket == "" {
		socket = DefaultSocket
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		d := net.Dialer{Timeout: dialTimeout}
		return d.DialContext(ctx, "unix", socket)
	}
	return &Caller{socket: socket, http: &http.Client{
		Transport: &http.Transport{DialContext: dial, IdleConnTimeout: time.Second},
		Timeout:   writeTimeout,
	}}
}

// Status returns what the daemon reports on itself.
func (c *Caller) Status(ctx context.Context) (status.Report, error) {
	return call[status.Report](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Users returns the page of users after the given ID; a limit of 0 leaves the size to the daemon.
func (c *Caller) Users(ctx context.Context, after string, limit int) (UserPage, error) {
	q := url.Values{}
	if after != "" {
		q.Set("after", after)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return call[UserPage](ctx, c, http.MethodGet, "/v1/users?"+q.Encode(), nil)
}

// UserPages goes through all users a page at a time; it ends after the first error.
func (c *Caller) UserPages(ctx context.Context) iter.Seq2[UserPage, error] {
	return func(yield func(UserPage, error) bool) {
		for after := ""; ; {
			page, err := c.Users(ctx, after, 0)
			if !yield(page, err) || err != nil || page.Next == "" {
				return
			}
			after = page.Next
		}
	}
}

// User returns the user whom the name means, to be shown; an empty directory means all of them.
func (c *Caller) User(ctx context.Context, user, directory string) (UserReply, error) {
	return c.user(ctx, url.Values{"user": {user}}, directory)
}

// Subject returns the user whom the name means, to be acted on by their ID: a name that may mean somebody else
// as well is refused.
func (c *Caller) Subject(ctx context.Context, user, directory string) (UserReply, error) {
	return c.user(ctx, url.Values{"user": {user}, "act": {"true"}}, directory)
}

func (c *Caller) user(ctx context.Context, q url.Values, directory string) (UserReply, error) {
	if directory != "" {
		q.Set("directory", directory)
	}
	return call[UserReply](ctx, c, http.MethodGet, "/v1/user?"+q.Encode(), nil)
}

// Enrol registers a factor in the user's place.
func (c *Caller) Enrol(ctx context.Context, act EnrolAct) (EnrolReply, error) {
	return call[EnrolReply](ctx, c, http.MethodPost, "/v1/user/enrol", act)
}

// Invite issues a code that allows one registration.
func (c *Caller) Invite(ctx context.Context, act InviteAct) (CodesReply, error) {
	return call[CodesReply](ctx, c, http.MethodPost, "/v1/user/invite", act)
}

// Bypass issues a code that stands in for a factor.
func (c *Caller) Bypass(ctx context.Context, act BypassAct) (CodesReply, error) {
	return call[CodesReply](ctx, c, http.MethodPost, "/v1/user/bypass", act)
}

// RecoveryCodes issues codes that stand in for a factor, each once, in the place of earlier ones.
func (c *Caller) RecoveryCodes(ctx context.Context, act UserAct) (CodesReply, error) {
	return call[CodesReply](ctx, c, http.MethodPost, "/v1/user/recovery-codes", act)
}

// Reset removes a registration, opens a way back, and returns the user as they are then.
func (c *Caller) Reset(ctx context.Context, act ResetAct) (ResetReply, error) {
	return call[ResetReply](ctx, c, http.MethodPost, "/v1/user/reset", act)
}

// Windows returns the windows for registrations that are open.
func (c *Caller) Windows(ctx context.Context) (WindowList, error) {
	return call[WindowList](ctx, c, http.MethodGet, "/v1/windows", nil)
}

// SetWindow opens or closes a window.
func (c *Caller) SetWindow(ctx context.Context, act WindowAct) (WindowReply, error) {
	return call[WindowReply](ctx, c, http.MethodPost, "/v1/window", act)
}

// Unlock clears counters and locks and returns the user as they are then.
func (c *Caller) Unlock(ctx context.Context, act UserAct) (UserReply, error) {
	return call[UserReply](ctx, c, http.MethodPost, "/v1/user/unlock", act)
}

// Clients returns the RADIUS clients.
func (c *Caller) Clients(ctx context.Context) (ClientList, error) {
	return call[ClientList](ctx, c, http.MethodGet, "/v1/clients", nil)
}

// Forget forgets what was learned about a client.
func (c *Caller) Forget(ctx context.Context, client string) (Forgotten, error) {
	return call[Forgotten](ctx, c, http.MethodPost, "/v1/client/forget", ClientAct{Client: client})
}

func call[T any](ctx context.Context, c *Caller, method, path string, body any) (T, error) {
	var answer T
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer, err
		}
		send = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, send)
	if err != nil {
		return answer, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer, c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer, problemIn(resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswerBytes)).Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return answer, nil
}

// problemIn reads an answer that says no.
func problemIn(resp *http.Response) *Problem {
	p := &Problem{Status: resp.StatusCode}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswerBytes)).Decode(p); err != nil || p.Message == "" {
		p.Message = "the daemon answered " + resp.Status
	}
	return p
}

// explain says what a failed dial means for an administrator.
func (c *Caller) explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w to use %s: run as root or as a member of the socket's group", ErrPermission, c.socket)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w on %s: is it running? is --socket right?", ErrUnreachable, c.socket)
	default:
		return fmt.Errorf("ask the daemon on %s: %w", c.socket, err)
	}
}
