package radius

import "log/slog"

// Reason says why a packet was not answered. It is a metric label and part of the log line.
type Reason string

// The reasons.
const (
	// DropUnknownClient: no client has the source address.
	DropUnknownClient Reason = "unknown_client"
	// DropMalformed: the lengths of the packet or of its attributes are wrong.
	DropMalformed Reason = "malformed"
	// DropTooManyAttributes: more than 200 attributes.
	DropTooManyAttributes Reason = "too_many_attributes"
	// DropCode: neither Access-Request nor Status-Server.
	DropCode Reason = "unexpected_code"
	// DropAccounting: an Accounting-Request on the port for logins.
	DropAccounting Reason = "accounting"
	// DropLogin: an Access-Request on the port for accounting.
	DropLogin Reason = "login_on_accounting_port"
	// DropBadAuthenticator: the Request Authenticator of an Accounting-Request is wrong: another shared
	// secret, or altered (RFC 2866 §3).
	DropBadAuthenticator Reason = "authenticator_invalid"
	// DropNotRecorded: an Accounting-Request whose record could not be made durable.
	DropNotRecorded Reason = "not_recorded"
	// DropUnsigned: Message-Authenticator is required and absent.
	DropUnsigned Reason = "message_authenticator_missing"
	// DropUnlearned: Message-Authenticator is absent, and the client is known to send it.
	DropUnlearned Reason = "message_authenticator_disappeared"
	// DropProxyState: Proxy-State without Message-Authenticator (CVE-2024-3596).
	DropProxyState Reason = "proxy_state_unsigned"
	// DropBadSignature: Message-Authenticator is wrong: another shared secret, or altered.
	DropBadSignature Reason = "message_authenticator_invalid"
	// DropSignatureForm: two Message-Authenticators, or one of another length.
	DropSignatureForm Reason = "message_authenticator_malformed"
	// DropInProgress: a duplicate of a request that is being worked on.
	DropInProgress Reason = "in_progress"
	// DropReplayed: the very same packet was answered before, and its reply is not kept any more.
	DropReplayed Reason = "replayed"
	// DropSuperseded: another request came from the same port under the same Identifier and Request
	// Authenticator before the answer was ready, so that the reply would be taken for its own.
	DropSuperseded Reason = "superseded"
	// DropQueueFull: there was too much to do.
	DropQueueFull Reason = "queue_full"
	// DropExpired: the packet waited until its answer was of no use.
	DropExpired Reason = "expired"
	// DropOutage: a back end could not be asked, and the client has another server.
	DropOutage Reason = "outage"
	// DropShed: as many logins are open as may be, in all or of this user.
	DropShed Reason = "shed"
	// DropNotServing: Status-Server while this node cannot serve the client.
	DropNotServing Reason = "not_serving"
	// DropStatusLimit: more Status-Server than a monitor needs.
	DropStatusLimit Reason = "status_server_limit"
	// DropPanic: a fault of the program, logged with its stack.
	DropPanic Reason = "panic"
	// DropReply: the reply could not be written, a fault of the program or too much Proxy-State.
	DropReply Reason = "reply_unusable"
	// DropSend: the operating system refused to send the reply.
	DropSend Reason = "send_failed"
)

// remedy names what an administrator may change about packets that are dropped for this reason; "" where
// nothing is to be changed. docs/radius-clients.md has a paragraph on each reason.
func (r Reason) remedy() string {
	switch r {
	case DropUnknownClient:
		return "add a [[client]] with this address, or correct address in the one that is meant"
	case DropAccounting:
		return "set the client's accounting port to 1813, or to that of accounting_listen in [radius]"
	case DropLogin:
		return "set the client's port for logins to 1812, or to that of listen in [radius]"
	case DropBadAuthenticator:
		return "give the client the same shared secret for accounting as for logins: secret or secret_file in this [[client]]"
	case DropNotRecorded:
		return "free disk space under data_dir, or repair the disk; the client sends the record again"
	case DropUnsigned:
		return `have the client send Message-Authenticator, or set message_authenticator = "auto" or "optional"; EAP and Status-Server must have it in any case`
	case DropUnlearned:
		return `have the client send Message-Authenticator from each address, or give the address a [[client]] of its own with message_authenticator = "optional"; "sallyport client forget" begins again`
	case DropProxyState:
		return `have the client or the proxy send Message-Authenticator, or set message_authenticator = "optional" and proxy_state_limit, which leaves the replies open to CVE-2024-3596`
	case DropBadSignature:
		return "give both sides the same shared secret: secret or secret_file in this [[client]]"
	case DropShed:
		return "if it lasts and is of many users, raise peak_rate in [login]; of one user, 16 logins are kept for some minutes each, see what begins so many"
	case DropOutage:
		return `"sallyport doctor" asks each back end; on_outage = "reject" is for a client that knows no other server`
	}
	return ""
}

// level is how loud a reason is. A retransmission on its way is everyday life; what an operator must
// repair is an error.
func (r Reason) level() slog.Level {
	switch r {
	case DropInProgress, DropSuperseded, DropNotServing:
		return slog.LevelDebug
	case DropUnlearned, DropOutage, DropPanic, DropReply, DropNotRecorded:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// facts are what a log line says of a reason.
func (r Reason) facts() []slog.Attr {
	facts := []slog.Attr{slog.String("reason", string(r))}
	if remedy := r.remedy(); remedy != "" {
		facts = append(facts, slog.String("remedy", remedy))
	}
	return facts
}
