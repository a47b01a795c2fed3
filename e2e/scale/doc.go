// Scale measures a cluster with one million enrolled people: memory, log and snapshot on disk, the time
// to start, to take a new node in and to write a snapshot, and how long logins take meanwhile.
//
// Everything runs on one machine: three nodes of the real program on loopback and the load tool
// (e2e/load) share its processors. The program is built with the tag faults, which lets a node take one
// snapshot after another; the people come into the log of the first node through package cluster, since
// a million registrations over RADIUS would take half an hour. Those who log in have a password in a
// local directory, under a hash that costs next to nothing: the directory is not what is measured.
//
//	go run ./e2e/scale
//
// Standard output gets the tables in Markdown, standard error what happens meanwhile.
package main
