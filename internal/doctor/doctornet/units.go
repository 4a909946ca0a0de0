package doctornet

import (
	"context"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// units asks systemd for the units that matter here.
func (r *reader) units(ctx context.Context) {
	conn, err := sdbus.Dial(ctx, "")
	if err != nil {
		r.unread(doctor.AreaSystemd, "systemd: "+err.Error())
		return
	}
	defer conn.Close()
	names := append([]string{"keepalived.service"}, doctor.OwnUnits...)
	if r.Daemon != nil && r.Daemon.Unit != "" {
		names = append(names, r.Daemon.Unit)
	}
	if u := r.Config.Proxy.Unit; u != "" {
		names = append(names, u)
	}
	units := map[string]doctor.Unit{}
	for _, name := range slices.Compact(names) {
		u, err := unit(ctx, conn, name)
		if err != nil {
			r.unread(doctor.AreaSystemd, "systemd: "+name+": "+err.Error())
			return
		}
		units[name] = u
	}
	r.Units = units
}

func unit(ctx context.Context, conn *dbus.Conn, name string) (u doctor.Unit, err error) {
	var path dbus.ObjectPath
	if err := sdbus.Call(ctx, conn.Object(sdbus.Systemd, sdbus.ManagerPath), sdbus.Manager+".LoadUnit", []any{name}, &path); err != nil {
		return u, err
	}
	all := map[string]dbus.Variant{}
	for _, kind := range []string{".Unit", ".Service"} {
		var some map[string]dbus.Variant
		if err := sdbus.Call(ctx, conn.Object(sdbus.Systemd, path), sdbus.Properties+".GetAll", []any{sdbus.Systemd + kind}, &some); err != nil {
			return u, err
		}
		for key, v := range some {
			all[key] = v
		}
	}
	get(all, "LoadState", &u.Load)
	get(all, "ActiveState", &u.Active)
	get(all, "UnitFileState", &u.File)
	get(all, "Result", &u.Result)
	get(all, "FragmentPath", &u.Path)
	get(all, "Conflicts", &u.Conflicts)
	get(all, "NeedDaemonReload", &u.Stale)
	get(all, "User", &u.User)
	get(all, "CapabilityBoundingSet", &u.Capabilities)
	var pid uint32
	get(all, "MainPID", &pid)
	u.MainPID = int(pid)
	return u, nil
}

func get[T any](all map[string]dbus.Variant, key string, to *T) {
	if v, ok := all[key].Value().(T); ok {
		*to = v
	}
}
