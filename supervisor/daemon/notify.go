package daemon

import (
	"context"
	"sync/atomic"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// statusEvery is how often STATUS= is compared with the truth.
const statusEvery = time.Second

// notifier speaks to systemd: READY=1, STATUS=, and WATCHDOG=1 as long as the loop
// completes rounds. Without a supervisor it does nothing.
type notifier struct {
	beats  func() uint64
	line   func() (string, bool)
	patted uint64
	said   string
	// leaving tells that the addresses are gone, and the rest of the end takes its time.
	leaving atomic.Bool
}

func (n *notifier) ready() { _, _ = sd.SdNotify(false, sd.SdNotifyReady) } // nobody listens: not a service

func (n *notifier) stopping() { _, _ = sd.SdNotify(false, sd.SdNotifyStopping) }

// run ends with ctx.
func (n *notifier) run(ctx context.Context) {
	every := statusEvery
	if limit, err := sd.SdWatchdogEnabled(false); err == nil && limit > 0 {
		every = min(every, limit/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		n.pat()
		n.tell()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pat feeds the watchdog if the loop went round since the last time, or need not any more.
func (n *notifier) pat() {
	if beats := n.beats(); beats != n.patted || n.leaving.Load() {
		n.patted = beats
		_, _ = sd.SdNotify(false, sd.SdNotifyWatchdog)
	}
}

func (n *notifier) tell() {
	line, ok := n.line()
	if ok && line != n.said {
		n.said = line
		_, _ = sd.SdNotify(false, "STATUS="+line)
	}
}
