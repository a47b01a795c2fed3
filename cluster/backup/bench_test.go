package backup_test

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/age"

	"sallyport/cluster/backup"
)

// benchUsers is the number of users in a backup that is measured.
const benchUsers = 100_000

// BenchmarkWrite measures how fast a backup is made.
func BenchmarkWrite(b *testing.B) {
	v, k := stored(benchUsers), newKeys(b)
	file := write(b, k.recipients, headerOf(v), v.WriteSnapshot)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if err := backup.Write(io.Discard, k.recipients, key(b), headerOf(v), v.WriteSnapshot); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file))/benchUsers, "B/user")
}

// BenchmarkVerify measures how fast a backup is read and decoded.
func BenchmarkVerify(b *testing.B) {
	v, k := stored(benchUsers), newKeys(b)
	file := write(b, k.recipients, headerOf(v), v.WriteSnapshot)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if err := verify(file, k.identities); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPassphrase measures what a passphrase costs whoever makes a backup.
func BenchmarkPassphrase(b *testing.B) {
	v := stored(0)
	r, err := backup.PassphraseRecipient("correct horse battery")
	if err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	for b.Loop() {
		file.Reset()
		if err := backup.Write(&file, []age.Recipient{r}, key(b), headerOf(v), v.WriteSnapshot); err != nil {
			b.Fatal(err)
		}
	}
}
