package admin

import (
	"fmt"
	"net/http"
	"time"
)

// How long what an administrator issues is good, in the requests below: seconds. 0 means the default.
const (
	// DefaultCodeLife is that of invitations and bypass codes, MaxCodeLife the longest.
	DefaultCodeLife = 24 * time.Hour
	MaxCodeLife     = 7 * 24 * time.Hour
	// DefaultWindow is how long a window for registrations is open, MaxWindow the longest.
	DefaultWindow = 72 * time.Hour
	MaxWindow     = 30 * 24 * time.Hour
	// MaxBypassUses is how often a bypass code may be used at most.
	MaxBypassUses = 100
	// maxReason bounds what is kept of a reason, in octets.
	maxReason = 200
)

// EnrolAct registers a factor in the user's place.
type EnrolAct struct {
	UserAct
	// Address is the mail address or telephone number as people write it; empty means the one that
	// the directory holds.
	Address string `json:"address,omitempty"`
}

// EnrolReply is a registration. SecretKey and OTPAuthURI are the shared secret of an authenticator
// app, told this once; Address is the full address of a factor that sends codes.
type EnrolReply struct {
	UserReply
	SecretKey  string `json:"secret_key,omitempty"`
	OTPAuthURI string `json:"otpauth_uri,omitempty"`
	Address    string `json:"address,omitempty"`
	// Replaced means that the user had registered this factor before.
	Replaced bool `json:"replaced,omitempty"`
}

// InviteAct issues an invitation: a code that allows one registration.
type InviteAct struct {
	UserAct
	ForSeconds int64 `json:"for_seconds,omitempty"`
}

// BypassAct issues a code that stands in for a factor.
type BypassAct struct {
	UserAct
	// Reason says why; it is kept and audited.
	Reason string `json:"reason"`
	// Uses is how often the code may be used; 0 means once.
	Uses       uint32 `json:"uses,omitempty"`
	ForSeconds int64  `json:"for_seconds,omitempty"`
}

// CodesReply holds fresh one-time codes, told this once. They took the place of earlier ones.
type CodesReply struct {
	UserReply
	Codes []string `json:"codes"`
	// Uses is how often each may be used, Until when they end; nil means never.
	Uses  uint32     `json:"uses"`
	Until *time.Time `json:"until,omitempty"`
}

// The ways back after a reset.
const (
	// ThenWindow opens the window for the user's registration; it is the default.
	ThenWindow = "window"
	// ThenInvite issues an invitation.
	ThenInvite = "invite"
	// ThenNothing leaves the way back to the policy and to the administrator.
	ThenNothing = "nothing"
)

// ResetAct removes registrations, or has them renewed.
type ResetAct struct {
	UserAct
	// Then is the way back: ThenWindow, ThenInvite or ThenNothing; "" means ThenInvite: with a window
	// the password alone is enough, and a help desk that is talked into a reset would hand the account over.
	Then       string `json:"then,omitempty"`
	ForSeconds int64  `json:"for_seconds,omitempty"`
	// Renew removes nothing: the user registers anew after the next login with the old factor. There
	// is no Then with it.
	Renew bool `json:"renew,omitempty"`
}

// ResetReply is what came of a reset. Invitation is told this once.
type ResetReply struct {
	UserReply
	Invitation string `json:"invitation,omitempty"`
	// Until is when the window or the invitation ends; nil when there is neither.
	Until *time.Time `json:"until,omitempty"`
}

// WindowAct opens or closes the window for registrations of a user or of a group.
type WindowAct struct {
	User      string `json:"user,omitempty"`
	Directory string `json:"directory,omitempty"`
	// Group is the group's name in Directory, in the place of User.
	Group      string `json:"group,omitempty"`
	ForSeconds int64  `json:"for_seconds,omitempty"`
	Close      bool   `json:"close,omitempty"`
}

// Window is an open window. It is that of a user or that of a group of a directory.
type Window struct {
	UserID    string    `json:"user_id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Directory string    `json:"directory,omitempty"`
	Group     string    `json:"group,omitempty"`
	Until     time.Time `json:"until"`
}

// WindowReply is the window that was opened or closed.
type WindowReply struct {
	Window Window `json:"window"`
	// NoneOpen means that there was nothing to close.
	NoneOpen bool      `json:"none_open,omitempty"`
	Notes    []string  `json:"notes,omitempty"`
	Now      time.Time `json:"now"`
}

// WindowList lists the open windows, those that close first in front.
type WindowList struct {
	Windows []Window  `json:"windows"`
	Now     time.Time `json:"now"`
}

// life returns how long something is to be good; flag is what an administrator says it with.
func life(flag string, seconds int64, preset, most time.Duration) (time.Duration, error) {
	if seconds == 0 {
		return preset, nil
	}
	if seconds < 60 || seconds > int64(most/time.Second) {
		return 0, &Problem{http.StatusBadRequest, fmt.Sprintf("%s: a minute to %d hours", flag, int(most.Hours())), ""}
	}
	return time.Duration(seconds) * time.Second, nil
}
