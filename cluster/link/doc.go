// Package link owns the one TCP port of a node: who may connect to it, and what a connection is for.
// It knows nothing of Raft's state, of commands or of membership: whoever is a member, [Config].Admit
// says.
//
// Everything is TLS 1.3 (RFC 8446). The ALPN protocol (RFC 7301) says what a connection is for:
//
//	class  protocol          the caller shows                 spoken
//	Raft   sallyport-raft/1  its certificate, a member's      raft's NetworkTransport
//	Call   sallyport-call/1  its certificate, a member's      HTTP/1.1
//	Join   sallyport-join/1  nothing; its token comes later   HTTP/1.1
//	-      sallyport-proof/1 nothing                          nothing: a joiner shows that it holds its key
//
// A cluster has its own authority ([Authority]), which signs one certificate per node. A certificate
// alone admits nobody: Raft takes AppendEntries, InstallSnapshot and TimeoutNow from whoever passes its
// transport, so name and fingerprint are compared with the current membership at each handshake, in both
// directions, and again by [Link.Recheck], which cuts what is not admitted any more. For the same reason
// no session is ever resumed.
package link
