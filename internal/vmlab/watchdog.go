//go:build linux

package vmlab

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// tailSize is how much of the console is kept, in bytes.
const tailSize = 8 << 10

// alive is the byte that the first process inside writes to the console every few
// seconds; it is not shown.
const alive = 0

// watchdog hears what a machine says, and ends it when it says nothing.
type watchdog struct {
	limit time.Duration

	mu      sync.Mutex
	heard   time.Time
	console []byte // its end
}

func newWatchdog() *watchdog {
	w := &watchdog{limit: silence, heard: time.Now()}
	if d, err := time.ParseDuration(os.Getenv(silenceVar)); err == nil {
		w.limit = d
	}
	return w
}

// hear is a Writer made of a function.
type hear func(p []byte)

func (h hear) Write(p []byte) (int, error) {
	h(p)
	return len(p), nil
}

// through passes on what is written, as a sign of life.
func (w *watchdog) through(to io.Writer) io.Writer {
	return hear(func(p []byte) {
		_, _ = to.Write(p) // a reader who has left is no reason to end the tests
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = time.Now()
	})
}

// keep keeps the end of what is written, a sign of life too.
func (w *watchdog) keep() io.Writer {
	return hear(func(p []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = time.Now()
		w.console = append(w.console, bytes.ReplaceAll(p, []byte{alive}, nil)...)
		if more := len(w.console) - tailSize; more > 0 {
			w.console = append([]byte(nil), w.console[more:]...)
		}
	})
}

// tail is the end of the console.
func (w *watchdog) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(strings.ReplaceAll(string(w.console), "\r", ""))
}

// silent is for how long nothing was heard.
func (w *watchdog) silent() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.heard)
}

// guard kills the process when it has been silent for too long. stop ends the guard, and
// says whether it did.
func (w *watchdog) guard(p *os.Process) (stop func() (killed bool)) {
	quit, result := make(chan struct{}), make(chan bool, 1)
	go func() {
		for {
			select {
			case <-quit:
				result <- false
				return
			case <-time.After(w.limit / 20):
			}
			if w.silent() > w.limit {
				_ = p.Kill()
				result <- true
				return
			}
		}
	}()
	return func() bool {
		close(quit)
		return <-result
	}
}
