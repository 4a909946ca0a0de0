package sdbus

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// All asks for the properties of an object, those of all its interfaces.
func All(ctx context.Context, o dbus.BusObject) (map[string]dbus.Variant, error) {
	var all map[string]dbus.Variant
	err := Call(ctx, o, Properties+".GetAll", []any{""}, &all)
	return all, err
}

// Take stores a property that is there and of the right type.
func Take[T any](all map[string]dbus.Variant, name string, to *T) {
	if v, ok := all[name].Value().(T); ok {
		*to = v
	}
}
