package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// heed has the daemon do what signals ask for, until ctx ends: kill -HUP does what
// pairkeeper reload does, and a proxy that is a child gets its own.
func heed(ctx context.Context, d *daemon.Daemon) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			d.Heed(sig.(syscall.Signal))
		}
	}
}
