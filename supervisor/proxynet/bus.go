package proxynet

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// Names of org.freedesktop.systemd1(5).
const (
	systemd      = sdbus.Systemd
	managerPath  = sdbus.ManagerPath
	manager      = sdbus.Manager
	unitIface    = systemd + ".Unit"
	serviceIface = systemd + ".Service"
	jobIface     = systemd + ".Job"

	properties   = sdbus.Properties
	busName      = "org.freedesktop.DBus"
	getOwner     = busName + ".GetNameOwner"
	ownerChanged = busName + ".NameOwnerChanged"
)

// patience bounds every call but a restart.
const patience = sdbus.Patience

// inbox keeps the signals in the order in which they came. Signals that were sent
// before a call's reply are in it when the call returns, which godbus's own handlers
// do not promise.
type inbox struct {
	mu    sync.Mutex
	queue []*dbus.Signal
	wake  chan struct{} // has capacity 1
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// DeliverSignal implements dbus.SignalHandler.
func (b *inbox) DeliverSignal(_, _ string, s *dbus.Signal) {
	b.mu.Lock()
	b.queue = append(b.queue, s)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() []*dbus.Signal {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = nil
	return q
}

// gone tells that the object asked for is no more, while the connection is well.
func gone(err error) bool {
	e, ok := errors.AsType[dbus.Error](err)
	if !ok {
		return false
	}
	switch e.Name {
	case "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface",
		"org.freedesktop.DBus.Error.UnknownMethod", systemd + ".NoSuchUnit":
		return true
	}
	return false
}

// props are the properties of one interface, or those that changed.
type props map[string]dbus.Variant

// installed is the id of the unit's pending job, 0: none.
func (p props) installed() uint32 {
	pair, ok := p["Job"].Value().([]any)
	if !ok || len(pair) != 2 {
		return 0
	}
	id, _ := pair[0].(uint32)
	return id
}

// readUnit takes over what org.freedesktop.systemd1.Unit says.
func (s *snapshot) readUnit(p props) {
	sdbus.Take(p, "LoadState", &s.load)
	sdbus.Take(p, "ActiveState", &s.active)
	sdbus.Take(p, "SubState", &s.sub)
	sdbus.Take(p, "ActiveEnterTimestampMonotonic", &s.entered)
	sdbus.Take(p, "InactiveEnterTimestampMonotonic", &s.left)
	sdbus.Take(p, "StateChangeTimestampMonotonic", &s.changed)
	sdbus.Take(p, "InactiveExitTimestampMonotonic", &s.began)
}

// readService takes over what org.freedesktop.systemd1.Service says.
func (s *snapshot) readService(p props) {
	var pid uint32
	var code, status int32
	sdbus.Take(p, "Result", &s.result)
	sdbus.Take(p, "ExecMainStartTimestampMonotonic", &s.started)
	if v, ok := p["ExecReload"]; ok {
		s.reload = readReload(v)
	}
	if _, ok := p["MainPID"]; ok {
		sdbus.Take(p, "MainPID", &pid)
		s.mainPID = int(pid)
	}
	if _, ok := p["ExecMainCode"]; ok {
		sdbus.Take(p, "ExecMainCode", &code)
		sdbus.Take(p, "ExecMainStatus", &status)
		s.exit = exitText(code, status)
	}
}

// exitText says how a process ended, after the si_code and si_status of waitid(2).
func exitText(code, status int32) string {
	switch code {
	case cldExited:
		return fmt.Sprintf("exit %d", status)
	case cldKilled, cldDumped:
		if name := unix.SignalName(syscall.Signal(status)); name != "" {
			return name
		}
		return fmt.Sprintf("signal %d", status)
	}
	return ""
}

const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)
