// Package audit keeps the events of this node: what was recorded is on the disk before whoever caused it
// gets an answer.
//
// A [Store] is a folder of segments. A segment is a text file of JSON lines: a header with the format's
// version, then one [Record] a line, each with a sequence number and a time. Many concurrent appends
// share one write and one fdatasync (group commit): a caller waits for the batch in flight and for its
// own, however many others wait beside it.
//
// # Bounds
//
// The oldest segment is removed as a whole when the store is larger than MaxBytes, or when all of its
// records are older than MaxAge. A segment therefore spans a part of both only. What waits for the disk
// is bounded too, so a disk that hangs costs memory for 4096 records and no more.
//
// # Crashes and full disks
//
// A write that a crash has torn is cut off when the store is opened; nobody was told that it was
// recorded. A write that fails is taken back, and its callers get an error: nothing is ever reported as
// recorded that was not synced. Nothing is written into the last 128 MiB of the disk (5 % of a small
// one), which are the replicated state's. A segment that is damaged anywhere else is left as it is, and a new one
// begins.
package audit
