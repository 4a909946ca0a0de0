package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newClear() *cobra.Command {
	var socket string
	c := &cobra.Command{
		Use:   "clear",
		Short: "let the virtual routers of this node take part again that stay out after a conflict (hold_off)",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var a daemon.ClearAnswer
			if _, err := ask(socket, http.MethodPost, "/v1/clear", &a); err != nil {
				return err
			}
			for _, name := range a.Cleared {
				fmt.Fprintln(c.OutOrStdout(), name+" takes part again")
			}
			if len(a.Cleared) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing is held off here")
			}
			return nil
		},
	}
	socketFlag(c, &socket)
	return c
}
