package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// printReload says what changed; where nothing did, what the daemon applied by itself.
func printReload(out io.Writer, a daemon.ReloadAnswer, now time.Time) {
	lines := a.Changed
	switch {
	case len(a.Changed) > 0:
	case len(a.Before) > 0:
		fmt.Fprintf(out, "nothing changed since %s ago, when this was applied:\n", ago(now.Sub(a.Loaded)))
		lines = a.Before
	default:
		fmt.Fprintln(out, "nothing changed")
	}
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
}

func newReload() *cobra.Command {
	var socket string
	c := &cobra.Command{
		Use:   "reload",
		Short: "have the daemon read its configuration again, and say what changed",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var a daemon.ReloadAnswer
			status, err := ask(socket, http.MethodPost, "/v1/reload", &a)
			if err != nil {
				return err
			}
			if status != http.StatusOK {
				return failure{exitConfig, errors.New(a.Problem + "\nthe last good configuration stays in force")}
			}
			printReload(c.OutOrStdout(), a, time.Now())
			return nil
		},
	}
	socketFlag(c, &socket)
	return c
}
