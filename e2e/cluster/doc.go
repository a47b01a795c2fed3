// Package cluster tests three nodes as they are run: real binaries on hosts of their own, see package
// hosts, killed, paused, parted, with hung, failing and full disks and clocks that jump, while RADIUS
// clients log in on any of them. What the clients saw is judged by package history.
//
// The tests have the build tag e2e and need root. Their short form runs with `make test`, the long one
// with `make soak`; what it does is said by environment variables, see script.
package cluster
