package backup

import (
	"bufio"
	"encoding/hex"
	"errors"
	"io"

	"sallyport/cluster/state"
)

// Verify reads a backup to its end and decodes the whole state, as a restore would: what it takes in
// memory is what the state takes in a daemon. Its errors are those of reading, or [ErrDamaged].
func Verify(c *Contents) error {
	// The state machine reads from a buffer of this size without one of its own, so that what it left
	// can be seen.
	in := bufio.NewReaderSize(c, bufferSize)
	m := state.New()
	if err := m.Restore(in); err != nil {
		return verifyError(err)
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return damaged("something follows its state", nil)
	case !errors.Is(err, io.EOF):
		return verifyError(err)
	}
	return c.Header.fits(m.View())
}

func verifyError(err error) error {
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign) {
		return err
	}
	return damaged("its state cannot be decoded", err)
}

// fits compares what the header says with what is there.
func (h Header) fits(v state.View) error {
	meta := v.Meta()
	if h.ClusterID != meta.ClusterID || h.Epoch != meta.Epoch || h.KeyCheck != hex.EncodeToString(meta.Check) ||
		h.Index != v.Index() || h.Users != v.Sizes().Users {
		return damaged("its header does not describe its state", nil)
	}
	return nil
}
