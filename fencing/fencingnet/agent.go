package fencingnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/program"
	"github.com/pairkeeper/pairkeeper/internal/words"
)

// Armory is what a node fences the other one with.
type Armory struct {
	Node, Peer string // this node's name, and that of the one to be fenced
	Agents     []fencing.Agent
	Timeout    time.Duration // of each
}

// endsWithin is what an agent is given to end by itself when its time is over: it may have
// a session open on a power switch that takes only one.
const endsWithin = 2 * time.Second

// Shoot has the agents fence the other node, one after the other until one succeeds, which it
// returns. Only the exit status 0 of an action off or reboot proves that a host is off.
func (a *Armory) Shoot(ctx context.Context, action string) (by string, err error) {
	if len(a.Agents) == 0 {
		return "", errors.New("there is nothing to fence with")
	}
	var problems []string
	for i := range a.Agents {
		r := a.run(ctx, &a.Agents[i], action)
		if r.OK() {
			return a.Agents[i].Path(), nil
		}
		problems = append(problems, words.Visible(r.String()))
		if ctx.Err() != nil {
			break
		}
	}
	return "", errors.New(strings.Join(problems, "; then "))
}

// Try tells whether the agents could be used now. None of them switches anything; a command
// is only looked at, for it knows nothing but to fence.
func (a *Armory) Try(ctx context.Context, tell func(agent *fencing.Agent, done string, err error)) {
	for i := range a.Agents {
		one := &a.Agents[i]
		done, err := a.try(ctx, one)
		tell(one, done, err)
	}
}

// try asks an agent for its monitor, or where it does not know that, for the status of the
// host. 0 is on; 2 may be off, or a bad option.
func (a *Armory) try(ctx context.Context, one *fencing.Agent) (done string, err error) {
	if one.Program == "" {
		return "it can be run", Usable(one)
	}
	r := a.run(ctx, one, "monitor")
	if r.OK() {
		return "monitor", nil
	}
	if a.run(ctx, one, "status").OK() {
		return "status", nil
	}
	return "", errors.New(words.Visible(r.String()))
}

// Problem is what keeps the agents from being used now, all of them; empty: nothing does.
func (a *Armory) Problem(ctx context.Context) string {
	var list []string
	a.Try(ctx, func(_ *fencing.Agent, _ string, err error) {
		if err != nil {
			list = append(list, err.Error())
		}
	})
	return strings.Join(list, "; ")
}

func (a *Armory) run(ctx context.Context, one *fencing.Agent, action string) program.Result {
	p := program.Program{
		Command: one.Command, Env: a.environment(action), Timeout: a.Timeout, Grace: endsWithin,
		Line: func(string) {}, // it is not ended for what it prints, it may be half way
	}
	if one.Program != "" {
		input, err := Input(one, action, a.Peer, false)
		if err != nil {
			return program.Result{Text: one.Program + ": not run: " + err.Error()}
		}
		p.Command, p.Env, p.Stdin = []string{one.Program}, nil, strings.NewReader(input)
	}
	return p.Run(ctx)
}

// environment is what a command is told.
func (a *Armory) environment(action string) []string {
	return []string{"PAIRKEEPER_NODE=" + a.Node, "PAIRKEEPER_PEER=" + a.Peer, "PAIRKEEPER_ACTION=" + action}
}

// Shown is what would be run for an action: the program, and what it is given. Secrets are
// masked.
func (a *Armory) Shown(one *fencing.Agent, action string) (command, given string, err error) {
	if one.Program == "" {
		return strings.Join(one.Command, " "), strings.Join(a.environment(action), "\n") + "\n", Usable(one)
	}
	given, err = Input(one, action, a.Peer, true)
	return one.Program, given, errors.Join(err, program.Executable(one.Program))
}

// Usable tells what makes an agent unusable on this host.
func Usable(one *fencing.Agent) error {
	if err := program.Executable(one.Path()); err != nil {
		return err
	}
	_, err := Input(one, "monitor", "", true)
	return err
}

// Input is what a fence agent reads from its standard input: a line for each option. Of a
// name that is given twice the last one counts there, so that what is configured by name
// comes after the file.
func Input(one *fencing.Agent, action, peer string, masked bool) (string, error) {
	list := []fencing.Option{{Name: "action", Value: action}, {Name: "nodename", Value: peer}}
	if one.OptionsFile != "" {
		more, err := readOptions(one.OptionsFile)
		if err != nil {
			return "", err
		}
		list = append(list, maskedIf(masked, more)...)
	}
	list = append(list, one.Options...)
	if one.PasswordFile != "" {
		password, err := readPassword(one.PasswordFile)
		if err != nil {
			return "", err
		}
		list = append(list, maskedIf(masked, []fencing.Option{{Name: "password", Value: password}})...)
	}
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "%s=%s\n", o.Name, o.Value)
	}
	return b.String(), nil
}

// mask stands for a secret.
const mask = "********"

func maskedIf(masked bool, list []fencing.Option) []fencing.Option {
	if !masked {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].Value = mask
	}
	return list
}
