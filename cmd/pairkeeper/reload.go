package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

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
			if len(a.Changed) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing changed")
			}
			for _, line := range a.Changed {
				fmt.Fprintln(c.OutOrStdout(), line)
			}
			return nil
		},
	}
	socketFlag(c, &socket)
	return c
}
