// Package state is the replicated state machine: what every node computes alike from the log.
//
// A log entry is one batch: the time at which the leader accepted it, and up to a few hundred
// commands. [Machine.Apply] applies a batch in one transaction and returns one [Result] per command.
// Reads ([Machine.View]) see an immutable root and never wait for an apply; a snapshot writes an old
// root while logins go on.
//
// # What it may not do
//
// Two nodes that apply the same entries must end with the same octets. So nothing here reads a
// clock, a random source, the environment or a configuration, starts a goroutine, computes with
// floats, or ranges over a map: time, ids and limits come in the command, and what expires is judged
// against the time of the log (the larger of the previous time and the leader's stamp). A test
// parses the files and forbids all that.
//
// # Versions
//
// Commands and snapshot records are a version or type and fields in protobuf wire format. A field
// that is not known is ignored; a command that is not known, or cannot be decoded, is a counted
// no-op, and so is one that panics: a bad entry would otherwise stop every node at every start.
// Secrets arrive sealed; the machine never sees one.
//
// What a command does is the same on every node, or nodes would drift apart. So what is new waits until
// all members know it: a command above the cluster's feature level ([Level]) is a no-op on those who
// know it, too. Should nodes drift apart all the same, their running digests ([View.Digest],
// [Machine.Checkpoint]) differ.
package state
