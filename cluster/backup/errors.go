package backup

import (
	"errors"
	"fmt"
	"io/fs"
)

// Why a backup is refused; compare with [errors.Is].
var (
	// ErrKey means that the identity or passphrase is not the one that the file was sealed to.
	ErrKey = errors.New("the backup does not open")
	// ErrDamaged means that the file is not what was written.
	ErrDamaged = errors.New("the backup is damaged: use another one")
	// ErrVersion means that a newer release made the file.
	ErrVersion = errors.New("the backup is of a format that this release does not know: use the release that made it, or a newer one")
	// ErrForeign means that the file was made without the master key of the cluster that is to read it.
	ErrForeign = errors.New("the backup was not made under this cluster's master key")
)

// damaged says what is wrong with a file. What the disk or the network said is no damage.
func damaged(what string, err error) error {
	var failed *fs.PathError
	switch {
	case err == nil:
		return fmt.Errorf("%w (%s)", ErrDamaged, what)
	case errors.Is(err, ErrDamaged):
		return err
	case errors.As(err, &failed):
		return fmt.Errorf("read the backup: %w", err)
	}
	return fmt.Errorf("%w (%s: %w)", ErrDamaged, what, err)
}
