// Package admin is the administration of a running daemon: HTTP and JSON over a Unix socket, spoken
// by the command line on the same machine.
//
//	route                         does
//	GET  /v1/status               what the parts report (web/status)
//	GET  /v1/users                the users that are stored, a page at a time, sorted by ID
//	GET  /v1/user                 one user, by the name that people type or by ID
//	POST /v1/user/enrol           registers a factor in the user's place
//	POST /v1/user/invite          issues a code that allows one registration
//	POST /v1/user/bypass          issues a code that stands in for a factor, for a time and a reason
//	POST /v1/user/recovery-codes  issues codes that stand in for a factor, each once
//	POST /v1/user/reset           removes a user's registration of one factor, or of all, and opens a way back
//	POST /v1/user/unlock          clears the counters and locks of one factor, or of all
//	GET  /v1/windows              the windows for registrations that are open
//	POST /v1/window               opens or closes the window of a user or a group
//	GET  /v1/clients              the RADIUS clients and what was learned about them
//	POST /v1/client/forget        forgets what was learned about a client
//	GET  /v1/cluster              the nodes of the cluster
//	POST /v1/cluster/token        issues a token with which one node joins
//	POST /v1/cluster/remove       takes a node out of the cluster
//	POST /v1/cluster/transfer     has another node lead
//	POST /v1/cluster/clock        believes this node's clock, which was set
//	GET  /v1/snapshot             what a snapshot of the state holds now
//	POST /v1/snapshot/save        makes a backup, encrypted, which is the answer
//	POST /v1/snapshot/restore     puts a backup, which is the request, in the place of the state
//
// Who may connect may do all of it: the right is the socket's mode (0660) and its group. Each change
// is logged with the uid and process at the other end, as the kernel tells them, under event=admin.
//
// What is shown of a user holds no secret. What was just made (the key of an authenticator
// app, one-time codes, a token for joining) stands in the answer to the request that made it, once, and in no log.
// Whoever changes a user's factors has the user told, where an address is known. Faults are answered
// as [Problem].
package admin
