package proxynet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// What may be wrong with an order besides what the unit itself does.
var (
	ErrStartLimit = errors.New("start-limit-hit")
	ErrUnseen     = errors.New("nobody saw how it ended")

	errNotLoaded = errors.New("HAProxy could not load its configuration; its worker goes on with the one before")
)

// Restart restarts the unit, or starts it, and waits for the end of the job. It never
// takes the place of a job that contradicts it: a pending stop makes it err.
func (u *Unit) Restart(ctx context.Context) (detail string, err error) {
	start := time.Now()
	if err := u.job(ctx, "restart", "RestartUnit"); err != nil {
		return "", u.explained(ctx, err, start)
	}
	return "restarted in " + since(start), nil
}

// Reload has the unit read its configuration again and waits for the end of the job; of
// HAProxy, until its master tells that it has. A unit without ExecReload=, or one that does
// not run, makes it err.
func (u *Unit) Reload(ctx context.Context) error {
	start := time.Now()
	u.mu.Lock()
	pid := u.last.MainPID
	u.mu.Unlock()
	master, ok := masterOf(pid)
	var before reloads
	if ok {
		before, ok = master.count(ctx)
	}
	err := u.job(ctx, "reload", "ReloadUnit")
	if err == nil && ok {
		if err = master.await(ctx, before); err != nil {
			err = fmt.Errorf("reload %s: %w", u.name, err)
		}
	}
	if err != nil {
		return u.explained(ctx, err, start)
	}
	return nil
}

// Stop stops the unit and waits for the end of the job. It is no operator's: the unit's
// state does not tell StopAsked.
func (u *Unit) Stop(ctx context.Context) error {
	u.memorize()
	return u.job(ctx, "stop", "StopUnit")
}

// job gives the unit an order and waits for its end.
func (u *Unit) job(ctx context.Context, verb, method string) error {
	start := time.Now()
	u.await(ctx)
	// From here on a new job of this kind is taken for ours.
	jobs, unfollow, run := u.follow(verb)
	defer unfollow()
	var path dbus.ObjectPath
	if err := u.order(ctx, verb, method, []any{u.name, "fail"}, &path); err != nil {
		return err
	}
	u.given(path)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s %s: not done after %s; the job goes on", verb, u.name, since(start))
		case e, ok := <-jobs:
			switch {
			case !ok:
				return fmt.Errorf("%s %s: the connection to systemd was lost while the job ran: %w", verb, u.name, ErrUnseen)
			case e.path == path:
				return u.outcome(verb, e.result, run)
			}
		}
	}
}

// explained adds what the unit wrote to the journal while an order of ours failed, and
// what to do about it.
func (u *Unit) explained(ctx context.Context, err error, start time.Time) error {
	if errors.Is(err, ErrStartLimit) || errors.Is(err, ErrUnseen) || ctx.Err() != nil {
		return err
	}
	said := words(ctx, u.name, start)
	if said == "" {
		return err
	}
	return fmt.Errorf("%w%s%s", err, said, hint(said, u.name))
}

// outcome judges an ended job; run is the unit's before it.
func (u *Unit) outcome(verb, result string, run uint64) error {
	u.mu.Lock()
	now, begun := u.last, u.run != run
	u.mu.Unlock()
	if result == "done" || result == "" && (now.Active == "active") == (verb != "stop") {
		return nil
	}
	if verb == "restart" && result == "failed" && !begun {
		// The unit keeps an earlier Result. Whatever else keeps systemd from so much as
		// beginning has a word of its own.
		now.Result = ErrStartLimit.Error()
	}
	return fmt.Errorf("%s %s: %w", verb, u.name, complaint(result, now))
}

// complaint says why a job failed, after systemd's own Result.
func complaint(result string, now supervisor.UnitState) error {
	switch result {
	case "failed":
	case "canceled":
		return errors.New("the job was canceled: somebody gave the unit another order")
	case "dependency":
		return errors.New("the job failed: a unit that it needs did not start")
	case "":
		return fmt.Errorf("%w; the unit is %s", ErrUnseen, now.Active)
	default:
		return errors.New("the job ended with " + result)
	}
	switch now.Result {
	case ErrStartLimit.Error():
		return fmt.Errorf("%w: systemd has started it too often (StartLimitBurst=) and refuses", ErrStartLimit)
	case "timeout":
		return errors.New("timeout: it did not start in time (TimeoutStartSec=)")
	case "", "success":
		return errors.New("the job failed")
	}
	if now.Exit == "" {
		return errors.New(now.Result)
	}
	return errors.New(now.Result + " (" + now.Exit + ")")
}

// Kill sends SIGKILL to every process of the unit.
func (u *Unit) Kill(ctx context.Context) error {
	return u.order(ctx, "kill", "KillUnit", []any{u.name, "all", int32(9)})
}

// ResetFailed clears the unit's failure and its start limit.
func (u *Unit) ResetFailed(ctx context.Context) error {
	return u.order(ctx, "reset-failed", "ResetFailedUnit", []any{u.name})
}

// order calls a method of systemd's manager.
func (u *Unit) order(ctx context.Context, verb, method string, args []any, results ...any) error {
	u.mu.Lock()
	conn := u.conn
	u.mu.Unlock()
	if conn == nil {
		return fmt.Errorf("%s %s: no connection to systemd over D-Bus", verb, u.name)
	}
	err := conn.Object(systemd, managerPath).CallWithContext(ctx, manager+"."+method, 0, args...).Store(results...)
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, u.name, refusal(err))
	}
	return nil
}

// refusal says what to do about a refused call.
func refusal(err error) error {
	e, ok := errors.AsType[dbus.Error](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !ok, e.Name == "org.freedesktop.DBus.Error.NoReply", e.Name == "org.freedesktop.DBus.Error.Disconnected":
		return fmt.Errorf("the connection to systemd was lost (%w): %w", err, ErrUnseen)
	case e.Name == "org.freedesktop.DBus.Error.AccessDenied",
		strings.HasSuffix(e.Name, ".InteractiveAuthorizationRequired"):
		return fmt.Errorf("not permitted: install a polkit rule that lets pairkeeper manage this unit (%w)", err)
	case e.Name == systemd+".TransactionIsDestructive":
		return fmt.Errorf("somebody gave the unit another order that is still pending (%w)", err)
	}
	return err
}

// follow registers for ended jobs, and tells which run of the unit is the present one.
func (u *Unit) follow(verb string) (jobs <-chan ended, unfollow func(), run uint64) {
	ch := make(chan ended, 64)
	u.mu.Lock()
	u.waiting[ch], run = verb, u.run
	u.mu.Unlock()
	return ch, func() {
		u.mu.Lock()
		delete(u.waiting, ch)
		u.mu.Unlock()
	}, run
}

// ended hands an ended job to those who wait.
func (u *Unit) ended(e ended) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for ch := range u.waiting {
		select {
		case ch <- e:
		default:
		}
	}
}

func since(t time.Time) string { return time.Since(t).Round(time.Millisecond).String() }
