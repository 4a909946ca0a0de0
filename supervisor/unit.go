package supervisor

import "time"

// UnitState is what systemd says of the proxy's unit, or what the parent of a child
// process says in the same words.
type UnitState struct {
	Load    string // LoadState: loaded, not-found, masked, bad-setting, error
	Active  string // ActiveState: active, reloading, inactive, failed, activating, deactivating
	Sub     string // SubState
	Result  string // Result: success, exit-code, signal, core-dump, timeout, start-limit-hit …
	MainPID int
	Exit    string // how the last main process ended: "SIGKILL", "exit 1", or empty
	Job     string // type of the pending job that pairkeeper did not ask for: start, stop, restart, reload … or empty
	// StopAsked tells that the last way out of active was a stop job that pairkeeper
	// did not ask for: an operator's systemctl stop, or a conflicting unit.
	StopAsked bool
	// Loaded is when it last began to read its configuration, at a start or a reload that
	// did not fail, on the kernel's monotonic clock; 0: not known.
	Loaded time.Duration
	// Lost says why nothing is known of the unit (no D-Bus), else it is empty.
	Lost string
}
