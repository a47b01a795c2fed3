// Package backup reads and writes backups: the whole state of a cluster at one point of its log, in
// one encrypted file.
//
// A backup is an age file (age-encryption.org/v1), for X25519 or hybrid recipients or for a passphrase.
// Inside it is
//
//	magic    "sallyport-snapshot-1\n"
//	header   4 octets of length, most significant first, at most 64 KiB; a [Header] as JSON
//	state    as the state machine writes its snapshots
//	trailer  8 octets of length of the state, SHA-256 of magic, header and state, and the
//	         HMAC-SHA-256 of that sum under a [Key]
//
// The encryption hides names and addresses, and lets no flipped bit, no cut and no addition pass. It
// does not say who made the file: whoever knows the recipients can seal something to them. That is what
// the last field is for. Only who has the master key can make it, so a restore asks for it ([ParseOwn]);
// a backup can be read and verified anywhere without ([Open]).
//
// The secrets in the state are sealed under the master key besides. A backup without the master key
// restores nothing, and neither is kept beside the other.
package backup
