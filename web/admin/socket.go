package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	socketMode = 0o660
	dirMode    = 0o750
	// dialTimeout is how long a listener on the same machine may take to accept.
	dialTimeout = time.Second
)

// listen binds the socket, replacing one that nobody listens on. The directory is made when its
// parent exists.
func listen(ctx context.Context, path string) (*net.UnixListener, error) {
	if err := os.Mkdir(filepath.Dir(path), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the directory of the admin socket: %w", err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	// Until its mode is set the socket is nobody's but ours: the file takes over the mode of the
	// socket before the bind, whatever the umask. Setting the umask instead would change it for
	// files that other goroutines make.
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var chmod error
		err := c.Control(func(fd uintptr) { chmod = unix.Fchmod(int(fd), 0o600) })
		return errors.Join(err, chmod)
	}}
	l, err := private.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("admin socket: %w", err), l.Close())
	}
	return l.(*net.UnixListener), nil
}

// removeStale removes what a daemon that was killed left behind. It refuses to take a socket away
// from a daemon that listens, and to remove anything that is not a socket.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("admin socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("admin socket: %s is there and is not a socket: remove it or choose another path", path)
	}
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("admin socket: a daemon already listens on %s: stop it or choose another path", path)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("admin socket: %s may be in use: %w", path, err)
	}
	return os.Remove(path)
}
