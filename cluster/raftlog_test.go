package cluster

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestRaftLogsThroughSlog(t *testing.T) {
	var out bytes.Buffer
	logger := newRaftLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	logger.Info("entering leader state")
	logger.Warn("heartbeat timeout reached", "servers", hclog.Fmt("%d of %d", 1, 3), "took", time.Second)
	logger.With("peer", "node2").Error("failed to contact", "error", errors.New("refused"))
	for _, want := range []string{
		`"level":"WARN","msg":"heartbeat timeout reached","component":"raft","servers":"1 of 3","took":"1s"`,
		`"level":"WARN","msg":"failed to contact","component":"raft"`, `"peer":"node2"`, `"error":"refused"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "entering leader state") {
		t.Error("what raft calls information is shown to administrators")
	}
}
