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

// grace is how long the machine may live on after the tests' own time-out, which ends
// them with a dump of their goroutines. go test ends us after a minute.
const grace = 30 * time.Second

// watchdog hears what a machine says, and ends it when it says nothing, or does not end.
type watchdog struct {
	limit time.Duration // for silence
	end   time.Time     // zero: none

	mu      sync.Mutex
	heard   time.Time
	console []byte // its end
}

func newWatchdog() *watchdog {
	w := &watchdog{limit: silence, heard: time.Now()}
	if d, err := time.ParseDuration(os.Getenv(silenceVar)); err == nil {
		w.limit = d
	}
	if d := testTimeout(os.Args); d > 0 {
		w.end = time.Now().Add(d + grace)
	}
	return w
}

// testTimeout is that of the tests' arguments, zero if there is none.
func testTimeout(args []string) time.Duration {
	for _, a := range args {
		if text, ok := strings.CutPrefix(a, "-test.timeout="); ok {
			d, _ := time.ParseDuration(text)
			return d
		}
	}
	return 0
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

// hung tells whether it is time to end the machine.
func (w *watchdog) hung() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.heard) > w.limit || !w.end.IsZero() && time.Now().After(w.end)
}

// guard kills the process when the machine hangs. stop ends the guard, and
// says whether it did.
func (w *watchdog) guard(p *os.Process) (stop func() (killed bool)) {
	quit, result := make(chan struct{}), make(chan bool, 1)
	go func() {
		for {
			select {
			case <-quit:
				result <- false
				return
			case <-time.After(min(time.Second, w.limit/20)):
			}
			if w.hung() {
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
