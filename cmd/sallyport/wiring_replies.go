package main

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"sync"

	"sallyport/radius"
)

// replyFileName stands in data_dir.
const replyFileName = "securid-replies.json"

// replyFile keeps how the RSA servers sign their replies, by server, so that the first reply after a restart is
// believed no sooner than those before it. It belongs to the node: each has its own way to the servers.
type replyFile struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	known map[string]int
}

var _ radius.ReplyMemory = (*replyFile)(nil)

// newReplyFile reads the file. One that cannot be read is begun anew.
func newReplyFile(path string, log *slog.Logger) *replyFile {
	r := &replyFile{path: path, log: log, known: map[string]int{}}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r.known)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("cannot read how RSA servers sign their replies: learning it again", "file", path, "error", err)
	}
	if r.known == nil || err != nil {
		r.known = map[string]int{}
	}
	return r
}

// Signed returns what is known of a server.
func (r *replyFile) Signed(server string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[server]
}

// Keep writes the file anew.
func (r *replyFile) Keep(server string, signed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := maps.Clone(r.known)
	if next[server] = signed; signed == 0 {
		delete(next, server)
	}
	r.known = next
	_, err := replaceFile(r.path, true, func(w io.Writer) error { return json.NewEncoder(w).Encode(next) })
	if err != nil {
		r.log.Warn("cannot keep how RSA servers sign their replies: it is learned again after a restart", "file", r.path, "error", err)
	}
}
