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

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func newStatus() *cobra.Command {
	var socket string
	var asJSON, check, balance bool
	c := &cobra.Command{
		Use:   "status",
		Short: "show how this node is, on one screen",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
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
	c.MarkFlagsMutuallyExclusive("json", "check")
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
	for _, line := range problems(s, now) {
		fmt.Fprintln(out, "!", line)
	}
}

// age is how long ago a moment was.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return ago(now.Sub(t))
}

// confWords says what is to be done about the proxy's configuration; empty: nothing.
func confWords(c *daemon.ProxyConfigStatus) string {
	what := "its configuration"
	if len(c.Changed) > 0 {
		what += " (" + strings.Join(c.Changed, ", ") + ")"
	}
	switch c.State {
	case "bad":
		return what + " is bad, it would not start again: " + c.Problem
	case "pending":
		if c.Problem != "" {
			return what + " changed and is not in force, " + c.Problem
		}
		return what + " changed, is tested good and not in force until it is reloaded"
	case "changed", "tested":
		return what + " changed and is not in force"
	case "reload-failed":
		return what + " is good, but not in force: " + c.Problem
	case "unwatched":
		return what + " is not watched: " + c.Problem
	}
	return ""
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

// recent is how long a remark is shown.
const recent = time.Minute

// problems are what an operator should look at.
func problems(s daemon.Status, now time.Time) []string {
	var list []string
	if s.Config.Problem != "" {
		list = append(list, "the configuration was not reloaded, the last good one is in force:\n  "+strings.ReplaceAll(s.Config.Problem, "\n", "\n  "))
	}
	if s.Config.Pending {
		list = append(list, "the configuration file changed and is not in force: pairkeeper reload applies it")
	}
	if s.Proxy != nil && s.Proxy.Problem != "" {
		list = append(list, s.Proxy.Name+": "+s.Proxy.Problem+nextTry(s.Proxy.Next, now))
	}
	if s.Proxy != nil && s.Proxy.Config != nil {
		if text := confWords(s.Proxy.Config); text != "" {
			list = append(list, fmt.Sprintf("%s: %s (for %s)", s.Proxy.Name, text, age(now, s.Proxy.Config.Since)))
		}
	}
	list = append(list, modeProblems(s.Modes, now)...)
	list = append(list, heartbeatProblems(s.Heartbeat, s.Peer)...)
	list = append(list, fenceProblems(s.Fence, s.Peer, now)...)
	list = append(list, voterProblems(s.Voters)...)
	list = append(list, gateProblems(s.Routers)...)
	list = append(list, ipvsProblems(s.VirtualServers)...)
	for _, r := range s.Routers {
		if r.LastResort {
			list = append(list, r.Name+": "+lastResort(r.State))
		}
		if r.Detail != "" && (s.Proxy == nil || r.Detail != s.Proxy.Problem) {
			list = append(list, r.Name+": "+r.Detail)
		}
		if a := r.Arbiter; a != nil && a.Text != "" {
			list = append(list, fmt.Sprintf("%s: %s (%s, for %s)", r.Name, a.Text, a.Rule, age(now, a.Since)))
		}
		list = append(list, dampingProblem(r, now)...)
		for _, m := range r.Remarks {
			if age := now.Sub(m.Last); age < recent {
				list = append(list, fmt.Sprintf("%s: %s (%s, %s, last %s ago)%s", r.Name, m.Detail, m.Reason, times(m.Count), ago(age), todo(m.Remedy)))
			}
		}
		for _, o := range r.Offsets {
			list = append(list, fmt.Sprintf("%s: priority %s", r.Name, o))
		}
		for _, f := range r.Adverts.Refused {
			list = append(list, fmt.Sprintf("%s: %s of %s refused (%s)%s", r.Name, adverts(f.Count), f.From, f.Reason, todo(f.Remedy)))
		}
	}
	for _, n := range s.Notify {
		if n.Failing {
			list = append(list, fmt.Sprintf("notify %s: %s (%d sent, %d wait, %d given up, %d dropped)", n.Name, n.LastError, n.Sent, n.Waiting, n.Failed, n.Dropped))
		}
	}
	return list
}

// nextTry is when a proxy that was given up is tried again.
func nextTry(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " (given up, tried again in " + ago(at.Sub(now)) + ")"
}

// lastResort says why a router that fails takes part all the same.
func lastResort(state string) string {
	if state == "ACTIVE" {
		return "holds because no healthy node is heard (when_all_unhealthy: keep)"
	}
	return "holds again if no healthy node is heard (when_all_unhealthy: keep)"
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func adverts(n uint64) string {
	if n == 1 {
		return "1 advert"
	}
	return fmt.Sprintf("%d adverts", n)
}

func todo(remedy string) string {
	if remedy == "" {
		return ""
	}
	return ": " + remedy
}

// ago is an age as a person says it.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
