package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// codeOf tells a missing permission from all else that may fail.
func codeOf(err error) int {
	if _, ok := errors.AsType[*vrrpnet.MissingCapability](err); ok {
		return exitPermission
	}
	return exitSoftware
}

func newCleanup() *cobra.Command {
	var src source
	var socket string
	c := &cobra.Command{
		Use:   "cleanup",
		Short: "take away what a dead daemon left: tell the peer and remove the virtual addresses",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var s daemon.Status
			if _, err := ask(socket, "GET", "/v1/status", &s); err == nil {
				return failure{exitUnavailable, fmt.Errorf("a daemon runs and answers on %s: stop it first", socket)}
			}
			if os.Getenv("SERVICE_RESULT") == "success" && daemon.Bridged(socket) {
				return nil // of systemd.exec(5): a restart in order, the next daemon goes on
			}
			file, err := src.load()
			if err != nil {
				return err
			}
			log, flush := daemon.NewLogger(daemon.LogAuto)
			defer flush()
			if err := daemon.Cleanup(file.Config, socket, log); err != nil {
				return failure{codeOf(err), err}
			}
			return nil
		},
	}
	src.flags(c)
	socketFlag(c, &socket)
	return c
}
