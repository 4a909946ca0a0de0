package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/orphans"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

func newRun() *cobra.Command {
	var src source
	var socket string
	format := daemon.LogAuto
	c := &cobra.Command{
		Use:   "run",
		Short: "run the daemon of this node",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return runDaemon(&src, socket, format) },
	}
	src.flags(c)
	socketFlag(c, &socket)
	c.Flags().Var(&format, "log", "auto: to the journal where standard error is the journal, else text to standard error;\njournal; text or json: to standard output")
	return c
}

func runDaemon(src *source, socket string, format daemon.LogFormat) error {
	debug.SetGCPercent(gcPercent)
	runtime.GOMAXPROCS(runtime.NumCPU() + 2) // the loop's thread must always find a processor

	if os.Getpid() == 1 { // of a container
		go orphans.Reap(context.Background())
	}
	file, err := src.load()
	if err != nil {
		return err
	}
	var memory memory
	memory.allow(&file.Config)
	if err := vrrpnet.Permitted(); err != nil {
		return failure{exitPermission, err}
	}
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE) // who reads the log may go; nothing ends for that
	log, flush := daemon.NewLogger(format)
	defer flush()
	for _, w := range file.Warnings {
		log.Warn(w.Error(), logbook.As(logbook.ConfigWarning))
	}
	d, err := daemon.New(daemon.Options{
		State:  stateFolder(),
		Source: sourceOf(file), Log: log, Version: version(), File: file.Path, Socket: socket, Trace: daemon.TraceFolder(socket),
		Restarts: restarts,
		Page:     board.NewPage,
		Load: func() (daemon.Source, error) {
			f, err := src.load()
			if err != nil {
				return daemon.Source{}, err
			}
			memory.allow(&f.Config)
			return sourceOf(f), nil
		},
	})
	if err != nil {
		return failure{exitSoftware, err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), proxynet.StopSignals(file.Config.Proxy.Command)...)
	defer stop()
	go heed(ctx, d)
	if err := d.Run(ctx); err != nil {
		return failure{exitSoftware, err}
	}
	return nil
}

// sourceOf is a configuration file as the daemon wants it.
func sourceOf(f *config.File) daemon.Source {
	settings := f.Settings // of f nothing else is kept
	return daemon.Source{
		Config: f.Config, Metrics: daemon.Metrics(f.Metrics), Page: f.Page, Files: f.Files, Manual: f.Manual, Recorder: f.Recorder,
		Settings: func() (list []daemon.Setting) {
			for _, s := range settings() {
				list = append(list, daemon.Setting(s))
			}
			return list
		},
	}
}

// stateFolder is the unit's StateDirectory; empty: it has none.
func stateFolder() string {
	first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	return first
}
