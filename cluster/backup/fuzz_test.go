package backup_test

import (
	"bytes"
	"io"
	"testing"

	"sallyport/cluster/backup"
)

// FuzzParseOwn looks for something that passes and was not written with the key, and for panics.
func FuzzParseOwn(f *testing.F) {
	v, k := stored(2), newKeys(f)
	unsealed, err := backup.Unseal(bytes.NewReader(write(f, k.recipients, headerOf(v), v.WriteSnapshot)), k.identities)
	if err != nil {
		f.Fatal(err)
	}
	good, err := io.ReadAll(unsealed)
	if err != nil {
		f.Fatal(err)
	}
	own := key(f)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("sallyport-snapshot-1\n\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		c, err := backup.ParseOwn(bytes.NewReader(plain), own)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, c); err == nil && !bytes.Equal(plain, good) {
			t.Errorf("%d octets pass that nobody wrote", len(plain))
		}
	})
}
