package probesnet

import (
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
	"github.com/pairkeeper/pairkeeper/probes"
)

// unitProbe asks systemd for the state of a unit.
type unitProbe struct {
	name    string
	timeout time.Duration
	bus     *unitBus
}

func newUnitProbe(c probes.Unit, timeout time.Duration, bus *unitBus) *unitProbe {
	return &unitProbe{name: c.Name, timeout: timeout, bus: bus}
}

// look is good while the unit is active, as systemctl is-active has it.
func (p *unitProbe) look(ctx context.Context) Result {
	s, err := p.bus.state(ctx, p.name)
	r := Result{Answered: err == nil}
	switch {
	case ctx.Err() != nil:
		r.Detail = "systemd does not answer within " + p.timeout.String()
	case err != nil:
		r.Detail = "systemd cannot be asked over D-Bus: " + err.Error()
	case s.Load != "loaded":
		r.Detail = s.Load
	default:
		r.OK = s.Active == "active" || s.Active == "reloading" || s.Active == "refreshing"
		r.Detail = s.Active + " (" + s.Sub + ")"
	}
	r.Detail = p.name + ": " + r.Detail
	return r
}

// unitState is one answer of ListUnitsByNames (org.freedesktop.systemd1(5)).
type unitState struct {
	Name, Description, Load, Active, Sub, Following string

	Path    dbus.ObjectPath
	JobID   uint32
	JobKind string
	JobPath dbus.ObjectPath
}

// unitBus is the connection to systemd that all probes of units share, while there is one.
type unitBus struct {
	ctx    context.Context
	cancel context.CancelFunc
	turn   chan struct{} // has capacity 1: who has it may touch conn
	conn   *dbus.Conn
}

func newUnitBus() *unitBus {
	b := &unitBus{turn: make(chan struct{}, 1)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

func (b *unitBus) close() {
	b.cancel()
	b.turn <- struct{}{}
	if b.conn != nil {
		_ = b.conn.Close()
	}
}

// state asks for one unit, on a new connection if the one there is has broken.
func (b *unitBus) state(ctx context.Context, name string) (unitState, error) {
	conn, err := b.connect(ctx)
	if err != nil {
		return unitState{}, err
	}
	var all []unitState
	err = sdbus.Call(ctx, conn.Object(sdbus.Systemd, sdbus.ManagerPath), sdbus.Manager+".ListUnitsByNames", []any{[]string{name}}, &all)
	if err == nil && len(all) != 1 {
		err = errors.New("systemd answers for no such unit")
	}
	if err != nil {
		return unitState{}, err
	}
	return all[0], nil
}

// connect returns the connection; a broken one is replaced.
func (b *unitBus) connect(ctx context.Context) (*dbus.Conn, error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-b.turn }()
	if b.conn != nil && b.conn.Connected() {
		return b.conn, nil
	}
	life, cancel := context.WithCancel(b.ctx)
	stop := context.AfterFunc(ctx, cancel) // authentication has no limit of its own
	conn, err := sdbus.Dial(life, "")
	if !stop() && err == nil {
		_ = conn.Close()
		err = ctx.Err()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	context.AfterFunc(conn.Context(), cancel)
	b.conn = conn
	return conn, nil
}
