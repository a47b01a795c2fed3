package backup

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	magicFamily = "sallyport-snapshot-"
	magic       = magicFamily + "1\n"
	// maxHeader bounds the header, in octets.
	maxHeader = 64 << 10
)

// Header says what a backup holds, and where in the cluster's life it was made.
type Header struct {
	ClusterID string `json:"cluster_id"`
	// Epoch is the cluster's epoch, which a restore raises; Level its feature level.
	Epoch uint32 `json:"epoch"`
	Level uint32 `json:"level"`
	// Node made the backup, at Made by its clock, with the release Version.
	Node    string    `json:"node"`
	Made    time.Time `json:"made"`
	Version string    `json:"sallyport"`
	// Index and Term are those of the last log entry in it, LogTime the time of the log there.
	Index   uint64    `json:"index"`
	Term    uint64    `json:"term"`
	LogTime time.Time `json:"log_time"`
	// Stale means that the node had no contact with a leader: Behind entries that it knew of are
	// missing, and perhaps others.
	Stale  bool   `json:"stale"`
	Behind uint64 `json:"behind,omitempty"`
	// Users is the number of users that are stored.
	Users int `json:"users"`
	// KeyCheck, in hexadecimal digits, tells whether a master key is the one that the secrets in the
	// state are sealed under. The key does not follow from it.
	KeyCheck string `json:"key_check"`
}

// write writes the magic and the header.
func (h Header) write(w io.Writer) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	if len(text) > maxHeader {
		return fmt.Errorf("write the header: it has %d octets, and at most %d fit", len(text), maxHeader)
	}
	head := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(text)))
	_, err = w.Write(append(head, text...))
	return err
}

// readHeader reads the magic and the header. Fields that a later release added are passed over.
func readHeader(r io.Reader) (Header, error) {
	var h Header
	start := make([]byte, len(magic)+4)
	if n, err := io.ReadFull(r, start); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && !strings.HasPrefix(string(start[:n]), magicFamily) {
			err = nil // it is something else altogether
		}
		return h, damaged("no backup of Sallyport is in it", err)
	}
	switch first := string(start[:len(magic)]); {
	case first == magic:
	case strings.HasPrefix(first, magicFamily):
		return h, ErrVersion
	default:
		return h, damaged("no backup of Sallyport is in it", nil)
	}
	size := binary.BigEndian.Uint32(start[len(magic):])
	if size > maxHeader {
		return h, damaged(fmt.Sprintf("its header has %d octets, and at most %d fit", size, maxHeader), nil)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, damaged("its header is cut", err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, damaged("its header cannot be read", err)
	}
	return h, nil
}
