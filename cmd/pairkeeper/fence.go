package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// fenceCall is a call of pairkeeper fence.
type fenceCall struct {
	out    io.Writer
	cfg    *supervisor.Config
	with   *fencingnet.Armory
	socket string
}

func newFence() *cobra.Command {
	var src source
	var socket string
	var dry, test, now, acknowledge bool
	c := &cobra.Command{
		Use:   "fence {--dry-run | --test | --now NODE | --acknowledge NODE}",
		Short: "show, try or use what fences the other host",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !dry && !test && !now && !acknowledge {
				return errors.New("say what to do: --dry-run shows what would be run, --test tries the agents and switches nothing, --now NODE fences the other host, --acknowledge NODE tells the daemon that you have switched it off yourself")
			}
			file, err := src.check()
			if err != nil {
				return err
			}
			f := &fenceCall{c.OutOrStdout(), &file.Config, &fencingnet.Armory{
				Node: file.Config.Node, Peer: file.Config.Peer, Agents: file.Config.Fence.Agents, Timeout: file.Config.Fence.Timeout,
			}, socket}
			switch {
			case len(f.with.Agents) == 0:
				return failure{exitFault, fmt.Errorf("%s says nothing of a fence", file.Path)}
			case dry:
				return f.dryRun()
			case test:
				return f.test()
			}
			if len(args) == 0 || args[0] != f.cfg.Peer {
				return fmt.Errorf("this is %s; if it is the other host that is meant, write its name: %s %s", f.cfg.Node, c.CommandPath()+flagOf(now), f.cfg.Peer)
			}
			if acknowledge {
				return f.acknowledge()
			}
			return f.now()
		},
	}
	src.flags(c)
	socketFlag(c, &socket)
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be run and what it would be told")
	c.Flags().BoolVar(&test, "test", false, "ask the agents whether they could be used (action=monitor); nothing is switched")
	c.Flags().BoolVar(&now, "now", false, "fence the other host, whose name has to be given")
	c.Flags().BoolVar(&acknowledge, "acknowledge", false, "tell the daemon that the other host, whose name has to be given, is off: only when you are certain")
	c.MarkFlagsMutuallyExclusive("dry-run", "test", "now", "acknowledge")
	return c
}

func flagOf(now bool) string {
	if now {
		return " --now"
	}
	return " --acknowledge"
}

// dryRun shows what would be run.
func (f *fenceCall) dryRun() error {
	var faults []error
	fmt.Fprintf(f.out, "%s would fence %s:\n", f.cfg.Node, f.cfg.Peer)
	for i := range f.with.Agents {
		one := &f.with.Agents[i]
		command, given, err := f.with.Shown(one, f.cfg.Fence.Action())
		where := "on its standard input"
		if one.Program == "" {
			where = "by its environment"
		}
		fmt.Fprintf(f.out, "%d. %s\n   within %s, told %s:\n", i+1, command, f.cfg.Fence.Timeout, where)
		for line := range strings.Lines(given) {
			fmt.Fprintf(f.out, "     %s", line)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return failure{exitFault, errors.Join(faults...)}
	}
	return nil
}

// test tries the agents.
func (f *fenceCall) test() error {
	ctx, stop := interruptible()
	defer stop()
	broken := 0
	f.with.Try(ctx, func(one *fencing.Agent, done string, err error) {
		if err != nil {
			broken++
			fmt.Fprintf(f.out, "%s: does not work: %v\n", one.Name(), err)
			return
		}
		fmt.Fprintf(f.out, "%s: works (%s)\n", one.Name(), done)
	})
	if broken > 0 {
		return failure{exitFault, fmt.Errorf("%d of %d cannot be used to fence %s", broken, len(f.with.Agents), f.cfg.Peer)}
	}
	return nil
}

// now fences the other host.
func (f *fenceCall) now() error {
	ctx, stop := interruptible()
	defer stop()
	begun := time.Now()
	fmt.Fprintf(f.out, "fencing %s (%s, with %s)\n", f.cfg.Peer, f.cfg.Fence.Action(), f.cfg.Fence.Names())
	by, err := f.with.Shoot(ctx, f.cfg.Fence.Action())
	if err != nil {
		return failure{exitFault, fmt.Errorf("%s is not fenced: %w", f.cfg.Peer, err)}
	}
	fmt.Fprintf(f.out, "%s is off, %s says so after %s; if the daemon waits for that: pairkeeper fence --acknowledge %s\n", f.cfg.Peer, by, time.Since(begun).Round(100*time.Millisecond), f.cfg.Peer)
	return nil
}

// acknowledge tells the daemon that the other host is off.
func (f *fenceCall) acknowledge() error {
	var a daemon.ConfirmAnswer
	if _, err := ask(f.socket, http.MethodPost, "/v1/fence/confirm?node="+url.QueryEscape(f.cfg.Peer), &a); err != nil {
		return err
	}
	if a.Problem != "" {
		return failure{exitFault, errors.New(a.Problem)}
	}
	fmt.Fprintf(f.out, "%s counts as fenced until it is heard again\n", f.cfg.Peer)
	return nil
}

func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
}

// printFence writes what there is to say of the fence.
func printFence(w io.Writer, f *daemon.FenceStatus, peer string, now time.Time) {
	if f == nil {
		return
	}
	fmt.Fprintln(w, "FENCE\tSTATE\tFOR\tACTION\tTAKEOVER\tLAST TRIED")
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n\n", peer, fenceWord(f), age(now, f.Since), f.Action, f.Takeover, tried(f, now))
}

func fenceWord(f *daemon.FenceStatus) string {
	if f.State == "armed" && !f.Heard {
		return "waits to hear it"
	}
	return f.State
}

func tried(f *daemon.FenceStatus, now time.Time) string {
	switch {
	case f.Tried.IsZero():
		return "-"
	case f.Broken != "":
		return age(now, f.Tried) + ", fails"
	}
	return age(now, f.Tried) + ", works"
}
