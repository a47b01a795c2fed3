// Package radius is the RADIUS door: a server over UDP that turns Access-Requests into logins and
// verdicts into replies, and the [Caller], its opposite end. It decides what is a valid packet, which
// packet is a duplicate and how a reply is signed; who may enter is decided behind [Logins]. The
// [Upstream] forwards answers to other servers that judge them, such as RSA Authentication Manager.
//
// layeh.com/radius gives the words (types and attribute numbers), hiding, and the decoder of the
// Caller, and nothing more: its server forgets a request once it is answered, and neither checks nor
// writes Message-Authenticator. The server reads and writes packets itself (outline.go, writer.go),
// since the codec allocates twice for each attribute; a fuzz test holds the two together.
//
// # What is implemented
//
//   - RFC 2865: Access-Request with User-Password (PAP), Access-Accept, Access-Reject and
//     Access-Challenge; State; Proxy-State returned in order (§5.33); the shared secret is chosen by
//     the source address of the packet (§3).
//   - RFC 2868 §3.5: our two secret attributes are hidden like a Tunnel-Password without a tag.
//   - RFC 2869 §5.10: Prompt says whether the answer may be shown.
//   - RFC 3579 §3.2: Message-Authenticator, checked before a packet is looked at, and the first
//     attribute of every reply (BlastRADIUS, CVE-2024-3596).
//   - RFC 5080 §2.2: duplicates are answered with the bytes sent before, wherever they come from; packets
//     that carry a valid State go first when there is too much to do; the Caller's retransmissions.
//   - RFC 5997: Status-Server, answered while the node can serve the client; limited for each client,
//     and never before a login.
//   - RFC 2866: Accounting-Requests, on a port of their own, answered once their record is durable; with the
//     attributes of RFC 2867, 2869, 3162 and 6911 that are recorded. Status-Server there too (RFC 5997 §3).
//   - RFC 2865 §2.5 and RFC 5080 §2.2.1 as a client, towards upstream servers: the same bytes to the same
//     server, from several sockets with an Identifier space each.
//
// # What is not
//
// CHAP, MS-CHAP and EAP cannot be checked by an LDAP bind: they get a signed Access-Reject and a log
// line that asks for PAP. RADIUS needs MD5, so the
// package does not work under GODEBUG=fips140=only.
//
// # The way of a packet
//
// The socket's one reader finds the client, checks the packet and its Message-Authenticator, and asks
// the duplicate cache (server.go, receive.go, authenticator.go, duplicates.go). What is new is queued
// (queue.go), for each client by itself: clients take turns, and none has all the workers. A fixed number of workers take packets from the queue, ask [Logins] (request.go) and
// write the reply (reply.go). Whatever is not answered is counted and logged with client and reason
// (drops.go). A packet without an answer leaves no trace in the duplicate cache, so that its
// retransmission is a fresh try; one that had an answer is remembered for an hour (judged.go), so that it
// is not judged again.
//
// # The way of an Accounting-Request
//
// It has a socket, a reader, a queue and workers of its own (accounting.go), so that a disk that hangs
// takes nothing from logins. A repeat is answered and not recorded again (accounting_seen.go). What the
// record holds is in accounting_record.go.
//
// # The way of a forwarded answer
//
// The [Upstream] asks its servers through Callers, since a passcode may be read once (upstream_forward.go).
// The same bytes go to the same server again while it is silent. The next server gets them only when the
// kernel's error queue shows that the only transmission was not delivered (caller_refusals.go), and an
// answer within a dialogue never goes elsewhere. A server that was silent is asked last (upstream_health.go),
// until a probe or a login hears from it again (upstream_revive.go).
//
// # Memory
//
// What strangers can make the server keep is bounded: nothing before a packet's source and signature
// are checked; then Queue packets of at most 4 KiB (16 MiB by default), the duplicate cache (64 MiB), the
// names of packets that were judged (56 MiB), 1024 packets for accounting (4 MiB) and the names of those that
// came (about 30 MiB), one login for each worker, and the Rejects of one RejectDelay, about 1 KiB each.
//
// # Clients without a second prompt
//
// A client's Mode says whether it is sent Access-Challenges. In the modes without one the password and
// the code come in one User-Password, which [Logins] takes apart; should a challenge come of it all the
// same, it is a Reject (reply.go).
//
// # Our attributes
//
// Clients with UI set also get the Sallyport attributes (attributes.go), which
// dictionary/dictionary.sallyport describes for FreeRADIUS tools. An Action is what the person wants
// instead of answering; with use-factor the User-Password is the name of the factor.
//
// # Reply attributes
//
// A [ReplyRule] gives standard or vendor-specific attributes to groups, with the Accept only
// (replies.go). Their names and types come from a [Dictionary]: dictionary/dictionary.rfc, which is
// built in, and files in the format of FreeRADIUS 3. Not supported, and refused in words: attributes
// within attributes (TLV, RFC 6929), abinary and combo-ip, vendors with format=1,1,c, and encrypt=1
// and 3. What a packet has no room for is left out and logged, Class last of all: a login that is
// settled gets its Accept.
package radius
