package main

import (
	"context"
	"os"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// restartsWithin bounds the question: meanwhile nothing is released.
const restartsWithin = 300 * time.Millisecond

// restarts tells that systemd ends this process to start its unit again: the job of the unit is
// a restart then (org.freedesktop.systemd1(5)), for a stop it is a stop. Where that cannot be
// known, it does not.
func restarts() bool {
	if os.Getenv("INVOCATION_ID") == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), restartsWithin)
	defer cancel()
	conn, err := sdbus.Dial(ctx, "")
	if err != nil {
		return false
	}
	defer conn.Close()
	var unit dbus.ObjectPath
	if sdbus.Call(ctx, conn.Object(sdbus.Systemd, sdbus.ManagerPath), sdbus.Manager+".GetUnitByPID", []any{uint32(os.Getpid())}, &unit) != nil {
		return false
	}
	job, err := sdbus.Property[[]any](ctx, conn.Object(sdbus.Systemd, unit), sdbus.Systemd+".Unit", "Job")
	if err != nil || len(job) != 2 {
		return false
	}
	path, ok := job[1].(dbus.ObjectPath)
	if !ok || path == "/" {
		return false
	}
	kind, err := sdbus.Property[string](ctx, conn.Object(sdbus.Systemd, path), sdbus.Systemd+".Job", "JobType")
	return err == nil && (kind == "restart" || kind == "try-restart")
}
