package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newStatus() *cobra.Command {
	var socket string
	var asJSON, check, balance bool
	var every string
	c := &cobra.Command{
		Use:   "status [--watch [INTERVAL]]",
		Short: "show how this node is, on one screen",
		Args: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("watch") && len(args) == 1 {
				every = args[0]
				return nil
			}
			return cobra.NoArgs(c, args)
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("watch") {
				return watchStatus(socket, every)
			}
			if balance {
				return showIPVS(c.OutOrStdout(), socket, asJSON)
			}
			var s daemon.Status
			if _, err := ask(socket, http.MethodGet, "/v1/status", &s); err != nil {
				return err
			}
			if check {
				return checkStatus(s)
			}
			if asJSON {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(s)
			}
			printStatus(c.OutOrStdout(), s, time.Now())
			return nil
		},
	}
	socketFlag(c, &socket)
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON (schema 1)")
	c.Flags().BoolVar(&check, "check", false, "print only what is wrong; exit status 0: every router is ACTIVE or BACKUP, 1: one is not, 69: no daemon")
	c.Flags().BoolVar(&balance, "ipvs", false, "show the virtual servers with their real servers, as ipvsadm -Ln --stats does")
	c.Flags().StringVar(&every, "watch", "", "show both nodes and what happened last, again and again until q or Ctrl-C; how often: 100ms..1h")
	c.Flags().Lookup("watch").NoOptDefVal = "1s"
	c.MarkFlagsMutuallyExclusive("json", "check")
	c.MarkFlagsMutuallyExclusive("watch", "json", "check", "ipvs")
	c.MarkFlagsMutuallyExclusive("ipvs", "check")
	return c
}

// printStatus writes the screen; now makes times into ages.
func printStatus(out io.Writer, s daemon.Status, now time.Time) {
	age := func(t time.Time) string { return age(now, t) }
	fmt.Fprintf(out, "%s (peer %s)  pairkeeper %s, running for %s, %s\n%s\n\n", s.Node, s.Peer, s.Version, age(s.Started), s.Config.File, verdict(s.Health, age))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROUTER\tSTATE\tFOR\tADDRESSES\tGATE\tINTERFACE\tVRID\tPRIORITY\tLAST HEARD")
	for _, r := range s.Routers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", r.Name, stateWord(r), age(r.Since), strings.Join(r.Addresses, " "), gateWord(r), r.Interface, r.VRID, r.Priority, heard(r, age))
	}
	fmt.Fprintln(w)
	if p := s.Proxy; p != nil {
		fmt.Fprintln(w, "PROXY\tSTATE\tFOR\tUNIT\tRESTARTS")
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d, %d left\n\n", p.Name, p.State, age(p.Since), p.Unit, p.Restarts, p.Budget)
	}
	if len(s.Probes) > 0 {
		fmt.Fprintln(w, "PROBE\tSTATE\tFOR\tON FAIL\tEFFECT\tLAST LOOK")
		for _, p := range s.Probes {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.State, age(p.Since), p.OnFail, p.Effect, p.Detail)
		}
		fmt.Fprintln(w)
	}
	printVirtualServers(w, s.VirtualServers, now)
	printHeartbeat(w, s.Heartbeat, s.Peer, now)
	printFence(w, s.Fence, s.Peer, now)
	printVoters(w, s.Voters, now)
	_ = w.Flush() // as good as out is
	for _, line := range board.Problems(&s, now) {
		fmt.Fprintln(out, "!", line)
	}
}

func stateWord(r daemon.RouterStatus) string {
	if r.Reason == "" {
		return r.State
	}
	return r.State + " (" + r.Reason + ")"
}

func heard(r daemon.RouterStatus, age func(time.Time) string) string {
	switch {
	case r.Peer == nil && r.State == "ACTIVE":
		return "nobody: a Backup is silent"
	case r.Peer == nil:
		return "nobody"
	}
	return fmt.Sprintf("%s, priority %d, %s ago", r.Peer.Address, r.Peer.Priority, age(r.Peer.Heard))
}

// verdict is the node's, with why.
func verdict(h daemon.HealthStatus, age func(time.Time) string) string {
	if h.Why == "" {
		return h.Verdict
	}
	if h.Since.IsZero() {
		return h.Verdict + ": " + h.Why
	}
	return h.Verdict + " for " + age(h.Since) + ": " + h.Why
}

// age and ago say times as everything that shows the pair does.
func age(now, t time.Time) string { return board.Age(now, t) }
func ago(d time.Duration) string  { return board.Ago(d) }
