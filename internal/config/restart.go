package config

import (
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// restartWindow is what a daemon usually needs many times over.
const restartWindow = 3 * time.Second

// readRestart reads restart_window: how long the addresses may stay between two daemons.
func (d *Document) readRestart(f fields) {
	d.restart = restartWindow
	if v := f.keys["restart_window"]; f.duration("restart_window", &d.restart, 0, time.Minute) && d.restart > 0 && d.restart < vrrp.LeastBridge {
		v.errorf("is %s: no daemon is replaced in so short a time; write 1s..1m, or 0 to release the addresses at every restart", d.restart)
	}
}
