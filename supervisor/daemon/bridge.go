package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// bridgeFile names the addresses that a daemon has left open for the next one of its node. It
// is of one use, and of one boot: its times are those since then.
type bridgeFile struct{ path string } // empty: there is none

// bridgePath is where the daemon of a control socket has the file.
func bridgePath(socket string) string { return beside(socket, "restart") }

type bridgeText struct {
	Boot    string
	Routers []supervisor.Bridged
}

func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// read returns what is open still; what cannot be read is nothing.
func (f bridgeFile) read() []supervisor.Bridged {
	text, err := os.ReadFile(f.path)
	var b bridgeText
	if err != nil || json.Unmarshal(text, &b) != nil || b.Boot != bootID() {
		return nil
	}
	t := now()
	return slices.DeleteFunc(b.Routers, func(r supervisor.Bridged) bool { return !t.Before(r.Until) })
}

// take is read, and the end of the file: a daemon that dies later has left nothing.
func (f bridgeFile) take() []supervisor.Bridged {
	left := f.read()
	_ = f.remove()
	return left
}

func (f bridgeFile) remove() error {
	if err := os.Remove(f.path); f.path != "" && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f bridgeFile) write(left []supervisor.Bridged) error {
	text, err := json.Marshal(bridgeText{bootID(), left})
	if err != nil {
		return err
	}
	return os.WriteFile(f.path, text, 0o600)
}

// Bridged tells that the daemon of a control socket has ended for another one, for which its
// addresses are open still.
func Bridged(socket string) bool { return len((bridgeFile{bridgePath(socket)}).read()) > 0 }

// bridge remembers what the next daemon goes on with. Without the file it finds the addresses,
// and removes them: no worse than a stop.
func (h *hands) bridge(a supervisor.Bridge) {
	if err := h.bridges.write(a.Routers); err != nil {
		h.log.Error("the next daemon will not know that it may go on: "+err.Error(), logbook.As(logbook.EndIncomplete))
	}
}

// goneOn waits until this daemon holds what the one before has left, and the other node has heard
// of it: whoever waits for the start may then restart it again. It does not wait for long.
func (d *Daemon) goneOn() {
	if len(d.resumed) == 0 {
		return
	}
	end := time.Now().Add(goneOnWithin)
	for done := false; !done && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if !d.mail.ask(func() { done = d.loop.node.GoneOn() }) {
			return
		}
	}
}

const goneOnWithin = time.Second

// keptOpen are the gates that stay open until a daemon has gone on.
func keptOpen(left []supervisor.Bridged) (kept []vrrpnet.Opening) {
	t := now()
	for _, r := range left {
		for _, a := range r.Addresses {
			kept = append(kept, vrrpnet.Opening{For: r.Router, Addr: a, TTL: r.Until.Sub(t)})
		}
	}
	return kept
}

// window is for how long the addresses may stay open when the daemon is to end: for no time
// unless another one is about to go on, and can, as far as one can tell.
func (d *Daemon) window() time.Duration {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	long := d.inUse.Config.RestartWindow
	if long == 0 || d.opts.Restarts == nil || d.opts.Socket == "" || len(d.inUse.Config.Proxy.Command) > 0 || !d.opts.Restarts() {
		return 0
	}
	if _, err := d.opts.Load(); err != nil {
		d.opts.Log.Warn("the addresses are given up, since the next daemon cannot begin: "+err.Error(), logbook.As(logbook.ConfigRefused))
		return 0
	}
	return long
}
