// Package e2e holds the tests of the whole: the real program as a process, real directories and real
// RADIUS clients, all on loopback and all started by the tests themselves. They carry the build tag
// e2e, so that the quick lane stays quick; `make test` runs both lanes. The servers are started by
// package servers, the load is made by package load, the comparison with FreeRADIUS by package bench,
// and package rules holds the rules of the source tree.
package e2e
