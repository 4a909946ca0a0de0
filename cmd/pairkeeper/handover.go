package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newHandover() *cobra.Command {
	var socket string
	var lasts time.Duration
	c := &cobra.Command{
		Use:   "handover [GROUP|ROUTER]",
		Short: "move the addresses to the other node, if it can take them; on a node without them, have them moved here",
		Long: `Moves the addresses of a group, of a router, or all that this node holds, to the other node. That
one is asked by heartbeat first, and agrees only if it could take them now: else nothing moves, and
its reason is printed. A node that holds nothing asks the other one for the addresses.

The new holder keeps them, whatever the priorities say, until it fails or stops, until they are handed
over again, or for the time of --for.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if lasts < 0 {
				return fmt.Errorf("--for %s: a time is not below 0", lasts)
			}
			query := url.Values{}
			if len(args) > 0 {
				query.Set("name", args[0])
			}
			if lasts > 0 {
				query.Set("for", lasts.String())
			}
			var a daemon.HandoverAnswer
			if _, err := askWithin(handoverWithin, socket, http.MethodPost, "/v1/handover?"+query.Encode(), &a); err != nil {
				return err
			}
			if a.Problem != "" {
				return failure{exitFault, errors.New("not handed over: " + a.Problem)}
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: held by %s now, after %s%s\n", strings.Join(a.Routers, ", "), a.To, a.Took, until(lasts))
			return nil
		},
	}
	socketFlag(c, &socket)
	c.Flags().DurationVar(&lasts, "for", 0, "for how long the new holder comes first (2h, 30m); then the priorities decide again")
	return c
}

// handoverWithin is how long the daemon may take: a hook that may veto has its own time.
const handoverWithin = 10 * time.Minute

func until(lasts time.Duration) string {
	if lasts == 0 {
		return ""
	}
	return ", for " + ago(lasts)
}
