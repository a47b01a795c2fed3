// Package cluster owns the replicated state: one Raft node, the log, the snapshots, and the keys
// under which secrets are sealed. [Node] satisfies [login.Ledger]; [Memory] is the same ledger
// without Raft and disk, for tests.
//
// Every change is a command of package state and goes through the log, also on a single node. What
// arrives while a batch is being committed makes the next batch ([proposer]); nothing waits for
// company. Reads are local and never wait.
//
// Secrets are sealed before they enter a command, under a key derived from the master key, which is
// never in the data directory. The keys of State tokens are in the log, sealed likewise.
//
// DESIGN.md next to this file says what is replicated, what happens to a write, and what a lost
// quorum means.
package cluster
