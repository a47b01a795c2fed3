// Package admin is the administration of a running daemon: HTTP and JSON over a Unix socket, spoken
// by the command line on the same machine.
//
//	route                     does
//	GET  /v1/status           what the parts report (web/status)
//	GET  /v1/users            the users that are stored, a page at a time, sorted by ID
//	GET  /v1/user             one user, by the name that people type or by ID
//	POST /v1/user/reset       removes a user's registration of one factor, or of all
//	POST /v1/user/unlock      clears the counters and locks of one factor, or of all
//	GET  /v1/clients          the RADIUS clients and what was learned about them
//	POST /v1/client/forget    forgets what was learned about a client
//
// Who may connect may do all of it: the right is the socket's mode (0660) and its group. Each change
// is logged with the uid and process at the other end, as the kernel tells them, under event=admin.
//
// No answer holds a factor's record or any other secret. Faults are answered as [Problem].
package admin
