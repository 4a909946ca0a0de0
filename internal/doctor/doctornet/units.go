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
	all, err := sdbus.All(ctx, conn.Object(sdbus.Systemd, path))
	if err != nil {
		return u, err
	}
	sdbus.Take(all, "LoadState", &u.Load)
	sdbus.Take(all, "ActiveState", &u.Active)
	sdbus.Take(all, "UnitFileState", &u.File)
	sdbus.Take(all, "Result", &u.Result)
	sdbus.Take(all, "FragmentPath", &u.Path)
	sdbus.Take(all, "Conflicts", &u.Conflicts)
	sdbus.Take(all, "NeedDaemonReload", &u.Stale)
	sdbus.Take(all, "User", &u.User)
	sdbus.Take(all, "CapabilityBoundingSet", &u.Capabilities)
	var pid uint32
	sdbus.Take(all, "MainPID", &pid)
	u.MainPID = int(pid)
	return u, nil
}
