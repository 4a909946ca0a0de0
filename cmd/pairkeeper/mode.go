package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// modeCall is a call of pairkeeper maintenance or freeze.
type modeCall struct {
	out    io.Writer
	socket string
	mode   string
	lasts  time.Duration
	reason string
	force  bool
}

func newMaintenance() *cobra.Command {
	c, m := newMode("maintenance", "take this node out, for work on it; what it holds is handed over first",
		`In maintenance a node holds nothing and takes nothing, even if the other one dies. What it holds is
handed over first; if the other node cannot take that, nothing is done and its reason is printed, unless
--force is given. It lasts over a restart, a reload and a boot.`)
	c.Flags().BoolVar(&m.force, "force", false, "give the addresses up even if the other node cannot take them")
	return c
}

func newFreeze() *cobra.Command {
	c, _ := newMode("freeze", "have nothing moved that need not be: alarms only",
		`While the pair is frozen, who holds the addresses goes on, also with a proxy that failed: nothing is
pre-empted, handed over or given up for the sake of health. If the holder dies or is stopped, the other
node takes over all the same. It is enough to say it on one node, and lasts over a restart, a reload
and a boot of that.`)
	return c
}

func newMode(mode, short, long string) (*cobra.Command, *modeCall) {
	m := &modeCall{mode: mode}
	c := &cobra.Command{
		Use: mode + " {on | off}", Short: short, Long: long, Args: cobra.ExactArgs(1), ValidArgs: []string{"on", "off"},
		RunE: func(c *cobra.Command, args []string) error {
			m.out = c.OutOrStdout()
			switch {
			case args[0] != "on" && args[0] != "off":
				return fmt.Errorf("%s %s: say on or off", mode, args[0])
			case m.lasts < 0:
				return fmt.Errorf("--for %s: a time is not below 0", m.lasts)
			case args[0] == "off" && (m.lasts > 0 || m.reason != "" || m.force):
				return fmt.Errorf("%s off takes no --for, --reason or --force", mode)
			}
			return m.call(args[0])
		},
	}
	socketFlag(c, &m.socket)
	c.Flags().DurationVar(&m.lasts, "for", 0, "for how long (2h, 30m); without it until it is ended")
	c.Flags().StringVar(&m.reason, "reason", "", "why, for whoever sees it on either node")
	return c, m
}

func (m *modeCall) call(to string) error {
	query := url.Values{}
	for key, value := range map[string]string{"for": m.lasts.String(), "reason": m.reason} {
		if value != "" && value != "0s" {
			query.Set(key, value)
		}
	}
	if m.force {
		query.Set("force", "yes")
	}
	var a daemon.ModeAnswer
	if _, err := askWithin(handoverWithin, m.socket, http.MethodPost, "/v1/mode/"+m.mode+"/"+to+"?"+query.Encode(), &a); err != nil {
		return err
	}
	if a.Problem != "" {
		text := m.mode + " is not on: " + a.Problem
		if m.mode == "maintenance" {
			text = "not in maintenance, this node keeps its addresses: " + a.Problem + "; --force gives them up all the same"
		}
		return failure{exitFault, errors.New(text)}
	}
	m.print(a, to)
	return nil
}

// print says what is so now.
func (m *modeCall) print(a daemon.ModeAnswer, to string) {
	say := func(format string, args ...any) { fmt.Fprintf(m.out, format+"\n", args...) }
	if a.Took != "" && len(a.Routers) > 0 {
		say("%s: held by %s now, after %s", strings.Join(a.Routers, ", "), a.To, a.Took)
	}
	for _, name := range a.Held {
		say("%s: given up, though nobody is known to take it", name)
	}
	switch {
	case to == "off" && !a.Was:
		say("%s was not on here", m.mode)
	case to == "off":
		say("%s is off", m.mode)
	case m.mode == "maintenance":
		say("in maintenance%s: this node takes nothing; if %s fails now, nobody holds the addresses", until(m.lasts), a.Peer)
		if a.PeerClass != "able" {
			say("! %s is %s", a.Peer, orWord(a.PeerClass, "not heard by heartbeat"))
		}
	default:
		say("frozen%s: nothing moves that need not; if the holder dies, the other node takes over all the same", until(m.lasts))
	}
	if a.Unkept != "" {
		say("! it will not last over a restart: %s", a.Unkept)
	}
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func newTake() *cobra.Command {
	var socket string
	var force bool
	c := &cobra.Command{
		Use:   "take [--force] [GROUP|ROUTER]",
		Short: "show what speaks against taking the addresses; with --force take them all the same",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			query := url.Values{}
			if len(args) > 0 {
				query.Set("name", args[0])
			}
			method := map[bool]string{true: http.MethodPost, false: http.MethodGet}[force]
			var a daemon.ForceAnswer
			if _, err := askWithin(handoverWithin, socket, method, "/v1/take?"+query.Encode(), &a); err != nil {
				return err
			}
			return printTake(c.OutOrStdout(), a, force)
		},
	}
	socketFlag(c, &socket)
	c.Flags().BoolVar(&force, "force", false, "take them, whatever speaks against it; they stay until they are handed over")
	return c
}

// printTake says what is overridden, and what became of it.
func printTake(out io.Writer, a daemon.ForceAnswer, force bool) error {
	if len(a.Routers) == 0 && a.Problem == "" {
		fmt.Fprintln(out, "this node holds them already")
		return nil
	}
	for _, line := range a.Overrides {
		fmt.Fprintln(out, map[bool]string{true: "overridden: ", false: "against it: "}[force]+line)
	}
	switch {
	case a.Problem != "":
		return failure{exitFault, errors.New("not taken: " + a.Problem)}
	case !force && len(a.Overrides) == 0:
		return failure{exitFault, errors.New("nothing speaks against it: the node is about to take them, or use --force")}
	case !force:
		return failure{exitFault, errors.New("not taken: `pairkeeper handover` asks the other node for them; --force overrides all of this")}
	}
	fmt.Fprintf(out, "%s: held by %s now, after %s; `pairkeeper handover` gives them back\n", strings.Join(a.Routers, ", "), a.To, a.Took)
	return nil
}
