package backup_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"filippo.io/age"

	"sallyport/cluster/backup"
)

// refused reports whether a backup is refused as it should be: damage among the keys looks like a
// wrong key, damage of the first line like another version.
func refused(err error) bool {
	return errors.Is(err, backup.ErrDamaged) || errors.Is(err, backup.ErrKey) || errors.Is(err, backup.ErrVersion)
}

// flipped returns the file with one bit changed.
func flipped(file []byte, bit int) []byte {
	other := bytes.Clone(file)
	other[bit/8] ^= 1 << (bit % 8)
	return other
}

func TestNoFlippedBitPasses(t *testing.T) {
	v, k := stored(5), newKeys(t)
	small := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
	for bit := 0; bit < 8*len(small); bit += 97 {
		if err := verify(flipped(small, bit), k.identities); !refused(err) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
	v = stored(2000)
	large := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		bit := random.IntN(8 * len(large))
		if err := verify(flipped(large, bit), k.identities); !refused(err) {
			t.Errorf("bit %d of the large one: %v", bit, err)
		}
	}
}

func TestNoCutAndNoAdditionPasses(t *testing.T) {
	v, k := stored(2000), newKeys(t)
	file := write(t, k.recipients, headerOf(v), v.WriteSnapshot)
	const chunk = 64<<10 + 16 // of age: a cut between two of them is the nicest one
	for _, left := range []int{0, 1, 100, 250, chunk, len(file) / 2, len(file) - 1, len(file)%chunk + chunk} {
		if err := verify(file[:left], k.identities); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%d octets of %d: %v", left, len(file), err)
		}
	}
	if err := verify(append(bytes.Clone(file), 0), k.identities); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("an octet more: %v", err)
	}
}

// sealed encrypts what is no backup, as an attacker who knows the recipient can.
func sealed(t *testing.T, k keys, plain []byte) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := age.Encrypt(&file, k.recipients...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestWhatIsInsideIsJudged(t *testing.T) {
	v, k := stored(5), newKeys(t)
	unsealed, err := backup.Unseal(bytes.NewReader(write(t, k.recipients, headerOf(v), v.WriteSnapshot)), k.identities)
	if err != nil {
		t.Fatal(err)
	}
	good, err := io.ReadAll(unsealed)
	if err != nil {
		t.Fatal(err)
	}
	const magic = "sallyport-snapshot-1\n"
	longHeader := binary.BigEndian.AppendUint32([]byte(magic), 1<<31)
	for name, tt := range map[string]struct {
		plain []byte
		want  error
		say   string
	}{
		"as it was":            {good, nil, ""},
		"nothing":              {nil, backup.ErrDamaged, "no backup of Sallyport"},
		"something else":       {[]byte("-----BEGIN"), backup.ErrDamaged, "no backup of Sallyport"},
		"something else, long": {bytes.Repeat([]byte("x"), 5000), backup.ErrDamaged, "no backup of Sallyport"},
		"of a later release":   {bytes.Replace(good, []byte("-1\n"), []byte("-2\n"), 1), backup.ErrVersion, "does not know"},
		"only the first line":  {[]byte(magic), backup.ErrDamaged, ""},
		"an endless header":    {longHeader, backup.ErrDamaged, "at most 65536"},
		"a header cut":         {good[:len(magic)+50], backup.ErrDamaged, "header is cut"},
		"a header of no JSON":  {bytes.Replace(good, []byte("{"), []byte("["), 1), backup.ErrDamaged, "header cannot be read"},
		"another header":       {bytes.Replace(good, []byte("node1"), []byte("node2"), 1), backup.ErrDamaged, "checksum differs"},
		"another state":        {flipped(good, 8*(len(good)-200)), backup.ErrDamaged, ""},
		"cut in the trailer":   {good[:len(good)-1], backup.ErrDamaged, ""},
		"without a state":      {good[:len(magic)+4+int(binary.BigEndian.Uint32(good[len(magic):]))], backup.ErrDamaged, "end is missing"},
		"an octet more":        {append(bytes.Clone(good), 0), backup.ErrDamaged, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := verify(sealed(t, k, tt.plain), k.identities)
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.say) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAHeaderThatLiesIsRefused(t *testing.T) {
	v, k := stored(5), newKeys(t)
	for name, lie := range map[string]func(*backup.Header){
		"cluster":    func(h *backup.Header) { h.ClusterID = "c2" },
		"epoch":      func(h *backup.Header) { h.Epoch++ },
		"master key": func(h *backup.Header) { h.KeyCheck = strings.Repeat("0", 32) },
		"index":      func(h *backup.Header) { h.Index-- },
		"users":      func(h *backup.Header) { h.Users = 6 },
	} {
		h := headerOf(v)
		lie(&h)
		file := write(t, k.recipients, h, v.WriteSnapshot)
		if err := verify(file, k.identities); !errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), "does not describe") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStateThatIsNoneIsRefused(t *testing.T) {
	v, k := stored(5), newKeys(t)
	for name, content := range map[string]func(io.Writer) error{
		"nothing": func(io.Writer) error { return nil },
		"text":    func(w io.Writer) error { _, err := io.WriteString(w, "no state"); return err },
		"something behind it": func(w io.Writer) error {
			_, err := w.Write([]byte{1})
			return errors.Join(v.WriteSnapshot(w), err)
		},
		"twice": func(w io.Writer) error { return errors.Join(v.WriteSnapshot(w), v.WriteSnapshot(w)) },
	} {
		file := write(t, k.recipients, headerOf(v), content)
		if err := verify(file, k.identities); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
