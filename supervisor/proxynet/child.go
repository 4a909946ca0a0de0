package proxynet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	// stopPatience is between SIGTERM and SIGKILL.
	stopPatience = 3 * time.Second
	// bootPatience is how long a restarted child must last to count as restarted.
	bootPatience = 250 * time.Millisecond
)

// Child is the proxy as a child process, where there is no systemd.
type Child struct {
	argv   []string
	log    *slog.Logger
	orders chan order
}

// order is a call of a method, done by Watch's goroutine.
type order struct {
	do   func(*nursery) error
	done chan error // has capacity 1
}

// NewChild returns the proxy that argv runs in the foreground. Watch starts it.
func NewChild(argv []string, log *slog.Logger) *Child {
	return &Child{argv: argv, log: log, orders: make(chan order)}
}

// Watch starts the child and tells its state at every change, until ctx ends; then it
// stops the child and its descendants. The other methods need a running Watch.
func (c *Child) Watch(ctx context.Context, tell func(supervisor.UnitState)) {
	// The kernel ends the child when the thread that forked it ends: keep the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n := &nursery{argv: c.argv, log: c.log, tell: tell, state: supervisor.UnitState{Load: "loaded", Active: "inactive", Sub: "dead"}}
	if err := n.start(); err != nil {
		c.log.Error("the proxy does not start", logbook.As(logbook.ProxyNotStarted), slog.Any("error", err))
	}
	for {
		select {
		case <-ctx.Done():
			n.tell = func(supervisor.UnitState) {} // nobody listens any more
			n.stop()
			return
		case <-n.exited():
			n.reap()
		case o := <-c.orders:
			o.done <- o.do(n)
		}
	}
}

// Restart stops the child, or what is left of it, and starts it anew.
func (c *Child) Restart(ctx context.Context) (detail string, err error) {
	start := time.Now()
	if err := c.order(ctx, (*nursery).restart); err != nil {
		return "", fmt.Errorf("restart %s: %w%s", c.argv[0], err, hint(err.Error(), ""))
	}
	return "restarted in " + since(start), nil
}

// Reload sends the child itself the signal with which it reads its configuration again.
// Whether it took it nobody says; one that has only just started may not.
func (c *Child) Reload(ctx context.Context) error {
	if err := c.order(ctx, (*nursery).reload); err != nil {
		return fmt.Errorf("reload %s: %w", c.argv[0], err)
	}
	return nil
}

// Signal sends a signal to the child itself.
func (c *Child) Signal(ctx context.Context, sig unix.Signal) error {
	return c.order(ctx, func(n *nursery) error { return n.signal(sig) })
}

// Drain ends the child when it has served what it has begun, at the latest after patience.
func (c *Child) Drain(ctx context.Context, patience time.Duration) error {
	return c.order(ctx, func(n *nursery) error { return n.drain(patience) })
}

// Kill sends SIGKILL to the child and its descendants.
func (c *Child) Kill(ctx context.Context) error { return c.order(ctx, (*nursery).kill) }

// ResetFailed does nothing: there is no limit of starts to clear.
func (c *Child) ResetFailed(context.Context) error { return nil }

func (c *Child) order(ctx context.Context, do func(*nursery) error) error {
	o := order{do, make(chan error, 1)}
	select {
	case c.orders <- o:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nursery is the present child of Watch's goroutine, which alone touches it.
type nursery struct {
	argv  []string
	log   *slog.Logger
	tell  func(supervisor.UnitState)
	state supervisor.UnitState
	child *process // nil: none runs
}

func (n *nursery) say() { n.tell(n.state) }

// exited is readable when the child has ended; it blocks while there is none.
func (n *nursery) exited() <-chan struct{} {
	if n.child == nil {
		return nil
	}
	return n.child.exited
}

func (n *nursery) start() error {
	at := Uptime()
	p, err := spawn(n.argv, n.log)
	if err != nil {
		n.state.Active, n.state.Sub, n.state.Result, n.state.MainPID = "failed", "failed", "resources", 0
		n.state.Load = "loaded"
		if missing(err) {
			n.state.Load = "not-found"
		}
		n.say()
		return err
	}
	n.child = p
	n.state = supervisor.UnitState{Load: "loaded", Active: "active", Sub: "running", Result: "success", MainPID: p.pid(), Loaded: at}
	n.say()
	return nil
}

// reap takes note of an ended child and ends what it left behind.
func (n *nursery) reap() {
	p := n.child
	n.child = nil
	p.end(0)
	n.state.MainPID, n.state.Loaded, n.state.Exit = 0, 0, exitOf(p.cmd.ProcessState)
	n.state.Active, n.state.Sub, n.state.Result = "failed", "failed", "exit-code"
	switch {
	case p.cmd.ProcessState.Success():
		n.state.Active, n.state.Sub, n.state.Result = "inactive", "dead", "success"
	case p.cmd.ProcessState.ExitCode() < 0:
		n.state.Result = "signal"
	}
	n.log.Info("the proxy ended", logbook.As(logbook.ProxyEnded), slog.Int("pid", p.pid()), slog.String("how", n.state.Exit))
	n.say()
}

// stop ends the child and its group, by force if it takes too long.
func (n *nursery) stop() {
	if n.child == nil {
		return
	}
	n.state.Active, n.state.Sub = "deactivating", "stop"
	n.say()
	p := n.child
	n.child = nil
	p.end(stopPatience)
	n.state.MainPID, n.state.Loaded, n.state.Exit = 0, 0, exitOf(p.cmd.ProcessState)
	n.state.Active, n.state.Sub = "inactive", "dead"
	n.say()
}

func (n *nursery) restart() error {
	n.stop()
	if err := n.start(); err != nil {
		return err
	}
	timer := time.NewTimer(bootPatience)
	defer timer.Stop()
	select {
	case <-n.exited():
		p := n.child
		n.reap()
		return errors.New(n.state.Exit + " at once" + p.out.suffix())
	case <-timer.C:
		return nil
	}
}

func (n *nursery) kill() error {
	if n.child != nil {
		n.child.signal(sigkill)
	}
	return nil
}

func (n *nursery) signal(sig unix.Signal) error {
	if n.child == nil {
		return errors.New("it does not run")
	}
	return unix.Kill(n.child.pid(), sig)
}

func (n *nursery) reload() error {
	at := Uptime()
	if err := n.signal(mannersOf(n.argv).reload); err != nil {
		return err
	}
	n.state.Loaded = at
	n.say()
	return nil
}

// drain has the child finish what it has begun; after patience it is stopped.
func (n *nursery) drain(patience time.Duration) error {
	if patience > 0 && n.signal(mannersOf(n.argv).drain) == nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-n.exited():
			n.reap()
		case <-timer.C:
			n.log.Warn(fmt.Sprintf("%s has not finished within %s (stop_timeout): what it still serves is cut off", n.argv[0], patience), logbook.As(logbook.ProxyCutOff))
		}
	}
	n.stop()
	return nil
}
