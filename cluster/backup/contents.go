package backup

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
)

// bufferSize is what is read ahead: more than a trailer.
const bufferSize = 64 << 10

// Contents is an opened backup. Reading it gives the state, and io.EOF only after everything was found
// to be what was written; until then nothing may be believed. It is for one goroutine.
type Contents struct {
	Header Header

	in   *bufio.Reader
	sum  hash.Hash
	size uint64
	key  *Key // nil where the origin is not asked for
	err  error
}

// Open begins to read a backup. Its errors, and those of reading, are [ErrKey], [ErrDamaged],
// [ErrVersion], or say that the file cannot be read.
func Open(r io.Reader, identities []age.Identity) (*Contents, error) {
	plain, err := Unseal(r, identities)
	if err != nil {
		return nil, err
	}
	return parse(plain, nil)
}

// ParseOwn begins to read what [Unseal] returns. [ErrForeign], here or at the end, means that it was made
// without the key.
func ParseOwn(plain io.Reader, key Key) (*Contents, error) { return parse(plain, &key) }

func parse(plain io.Reader, key *Key) (*Contents, error) {
	c := &Contents{in: bufio.NewReaderSize(plain, bufferSize), sum: sha256.New(), key: key}
	var err error
	c.Header, err = readHeader(io.TeeReader(c.in, c.sum))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Read reads the state.
func (c *Contents) Read(p []byte) (int, error) {
	if c.err == nil && c.in.Buffered() <= trailerSize {
		_, err := c.in.Peek(trailerSize + 1)
		switch {
		case errors.Is(err, io.EOF):
			c.err = c.finish()
		case err != nil:
			c.err = damaged("it breaks off", err)
		}
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(len(p), c.in.Buffered()-trailerSize)])
	c.sum.Write(p[:n])
	c.size += uint64(n)
	return n, err
}

// finish judges the trailer, which is all that is left. It returns io.EOF when all is well.
func (c *Contents) finish() error {
	trailer, err := c.in.Peek(trailerSize)
	if err != nil {
		return damaged("its end is missing", nil)
	}
	size, sum, mark := binary.BigEndian.Uint64(trailer), trailer[8:8+sha256.Size], trailer[8+sha256.Size:]
	switch {
	case size != c.size:
		return damaged(fmt.Sprintf("its state has %d octets instead of %d", c.size, size), nil)
	case !bytes.Equal(sum, c.sum.Sum(nil)):
		return damaged("its checksum differs", nil)
	case c.key != nil && !hmac.Equal(mark, c.key.mark(sum)):
		return ErrForeign
	}
	return io.EOF
}
