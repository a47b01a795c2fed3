package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"filippo.io/age"
)

// trailerSize is that of length, sum and mark.
const trailerSize = 8 + 2*sha256.Size

// Write writes a backup of what state writes, sealed to the recipients. Nothing of it is kept in memory.
// What was written before an error does not open.
func Write(w io.Writer, recipients []age.Recipient, key Key, h Header, state func(io.Writer) error) error {
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return fmt.Errorf("seal the backup: %w", err)
	}
	if err := writePlain(sealed, key, h, state); err != nil {
		return err // without the Close the file has no end
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

func writePlain(w io.Writer, key Key, h Header, state func(io.Writer) error) error {
	sum := sha256.New()
	summed := io.MultiWriter(w, sum)
	if err := h.write(summed); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	counted := &counter{w: summed}
	if err := state(counted); err != nil {
		return fmt.Errorf("write the state to the backup: %w", err)
	}
	trailer := binary.BigEndian.AppendUint64(nil, counted.n)
	trailer = sum.Sum(trailer)
	trailer = append(trailer, key.mark(trailer[8:])...)
	if _, err := w.Write(trailer); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n uint64
}

// Write passes p on.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	return n, err
}
