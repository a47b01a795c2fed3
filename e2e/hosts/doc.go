// Package hosts gives a test several hosts on one Linux machine: network namespaces, each with an
// address, a route to the others, and a way to lose packets, on which real programs run as they would
// on machines of their own.
//
// A test program that wants hosts runs inside a sandbox, see [Main]: a network and a mount namespace of
// its own, in which it is the router between its hosts. All that it makes there (links, routes, mounts)
// ends with it, however it ends. That needs root, and the commands ip and nsenter.
//
// Packets are lost in the router, in silence, per direction: neither end learns of it, as with a broken
// switch. tc's netem and packet filters are not needed.
package hosts
