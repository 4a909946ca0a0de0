package proxynet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Names of org.freedesktop.systemd1(5).
const (
	systemd      = "org.freedesktop.systemd1"
	managerPath  = dbus.ObjectPath("/org/freedesktop/systemd1")
	manager      = systemd + ".Manager"
	unitIface    = systemd + ".Unit"
	serviceIface = systemd + ".Service"
	jobIface     = systemd + ".Job"

	properties   = "org.freedesktop.DBus.Properties"
	busName      = "org.freedesktop.DBus"
	getOwner     = busName + ".GetNameOwner"
	ownerChanged = busName + ".NameOwnerChanged"
)

// patience bounds every call but a restart.
const patience = 5 * time.Second

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

// dial connects to the system bus, or to the bus at an address.
func dial(ctx context.Context, address string, in *inbox) (*dbus.Conn, error) {
	opts := []dbus.ConnOption{dbus.WithContext(ctx), dbus.WithSignalHandler(in)}
	if address == "" {
		return dbus.ConnectSystemBus(opts...)
	}
	return dbus.Connect(address, opts...)
}

// call makes one call and stores its results.
func call(ctx context.Context, o dbus.BusObject, method string, args []any, results ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return o.CallWithContext(ctx, method, 0, args...).Store(results...)
}

// property asks for one property.
func property[T any](ctx context.Context, o dbus.BusObject, iface, name string) (T, error) {
	var v dbus.Variant
	var zero T
	if err := call(ctx, o, properties+".Get", []any{iface, name}, &v); err != nil {
		return zero, err
	}
	t, ok := v.Value().(T)
	if !ok {
		return zero, fmt.Errorf("%s.%s is a %T", iface, name, v.Value())
	}
	return t, nil
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

// set stores a property that is there and of the right type.
func set[T any](p props, name string, to *T) {
	if v, ok := p[name].Value().(T); ok {
		*to = v
	}
}

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
	set(p, "LoadState", &s.load)
	set(p, "ActiveState", &s.active)
	set(p, "SubState", &s.sub)
	set(p, "ActiveEnterTimestampMonotonic", &s.entered)
	set(p, "InactiveEnterTimestampMonotonic", &s.left)
}

// readService takes over what org.freedesktop.systemd1.Service says.
func (s *snapshot) readService(p props) {
	var pid uint32
	var code, status int32
	set(p, "Result", &s.result)
	if _, ok := p["MainPID"]; ok {
		set(p, "MainPID", &pid)
		s.mainPID = int(pid)
	}
	if _, ok := p["ExecMainCode"]; ok {
		set(p, "ExecMainCode", &code)
		set(p, "ExecMainStatus", &status)
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
