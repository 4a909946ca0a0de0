package daemon

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// fencedFile names the other host as long as it is off. It outlives the daemon, so that the
// next one does not wait for a node that is off to be heard; not the host, which may have
// been off for long.
type fencedFile struct {
	path string // empty: there is none
	want atomic.Bool
	mu   sync.Mutex
}

// has tells whether the file names a node.
func (f *fencedFile) has(peer string) bool {
	text, err := os.ReadFile(f.path)
	return err == nil && strings.TrimSpace(string(text)) == peer
}

// put makes the file what is wanted last, whoever comes first.
func (f *fencedFile) put(peer string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.want.Load() {
		if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return os.WriteFile(f.path, []byte(peer+"\n"), 0o600)
}

func (h *hands) remember(a supervisor.Remember) {
	f, peer := &h.fenced, h.cfg.Peer
	if f.path == "" {
		return
	}
	f.want.Store(a.Fenced)
	h.fencing.Go(func() {
		if err := f.put(peer); err != nil {
			h.log.Warn("the next daemon will not know whether "+peer+" is off: "+err.Error(), logbook.As(supervisor.ReasonFenceBroken))
		}
	})
}
