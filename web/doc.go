// Package web is the room of everything that speaks HTTP. It holds no code of its own; its folders
// are its doors, and none of them decides who may log in.
//
//	status/  GET /healthz /readyz /status /metrics, for administrators and their monitoring
//	admin/   /v1/… on a Unix socket, for the command line on the same machine
//
// The folders import only login (admin also reports what status knows). What they need of the
// other parts they say in small interfaces of their own, and cmd/sallyport introduces them.
package web
