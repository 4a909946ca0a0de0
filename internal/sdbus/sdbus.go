// Package sdbus is what talking to systemd over D-Bus takes: its names and single calls.
package sdbus

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// Names of org.freedesktop.systemd1(5).
const (
	Systemd     = "org.freedesktop.systemd1"
	ManagerPath = dbus.ObjectPath("/org/freedesktop/systemd1")
	Manager     = Systemd + ".Manager"
	Properties  = "org.freedesktop.DBus.Properties"
)

// Patience bounds every call.
const Patience = 5 * time.Second

// Dial connects to the system bus, or to the bus at an address. The connection ends with
// the context.
func Dial(ctx context.Context, address string, opts ...dbus.ConnOption) (*dbus.Conn, error) {
	opts = append(opts, dbus.WithContext(ctx))
	if address == "" {
		return dbus.ConnectSystemBus(opts...)
	}
	return dbus.Connect(address, opts...)
}

// Call makes one call and stores its results.
func Call(ctx context.Context, o dbus.BusObject, method string, args []any, results ...any) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	return o.CallWithContext(ctx, method, 0, args...).Store(results...)
}

// Property asks for one property.
func Property[T any](ctx context.Context, o dbus.BusObject, iface, name string) (T, error) {
	var v dbus.Variant
	var zero T
	if err := Call(ctx, o, Properties+".Get", []any{iface, name}, &v); err != nil {
		return zero, err
	}
	t, ok := v.Value().(T)
	if !ok {
		return zero, fmt.Errorf("%s.%s is a %T", iface, name, v.Value())
	}
	return t, nil
}
