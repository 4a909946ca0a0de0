package proxynet

import (
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// auditEvery is how often the state is compared with what the signals said.
const auditEvery = 10 * time.Second

// session is one connection to the bus, from its first look to its loss.
type session struct {
	unit  *Unit
	conn  *dbus.Conn
	in    *inbox
	rec   *record
	owner string // systemd's unique name: nobody else may speak for it
	id    string // the unit's own name; unit.name may be an alias
	path  dbus.ObjectPath

	half  snapshot // Service properties whose Unit half has not come yet
	stale bool     // signals may have been missed: read everything again
	done  []ended
}

// ended is a job that has ended.
type ended struct {
	path   dbus.ObjectPath
	result string // empty: nobody saw how
}

// open connects, subscribes and reads the unit's state.
func open(ctx context.Context, u *Unit, rec *record) (*session, error) {
	s := &session{unit: u, in: newInbox(), rec: rec}
	var err error
	if s.conn, err = sdbus.Dial(ctx, u.Address, dbus.WithSignalHandler(s.in)); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		_ = s.conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) begin(ctx context.Context) error {
	// A new owner of the name is systemd after daemon-reexec.
	if err := s.match(ctx, dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, systemd)); err != nil {
		return err
	}
	if err := s.subscribe(ctx); err != nil {
		return err
	}
	if err := sdbus.Call(ctx, s.manager(), manager+".LoadUnit", []any{s.unit.name}, &s.path); err != nil {
		return err
	}
	var err error
	if s.id, err = sdbus.Property[string](ctx, s.object(), unitIface, "Id"); err != nil {
		return err
	}
	if err := s.match(ctx, dbus.WithMatchSender(systemd), dbus.WithMatchInterface(properties),
		dbus.WithMatchObjectPath(s.path)); err != nil {
		return err
	}
	for _, member := range []string{"JobNew", "JobRemoved"} {
		if err := s.match(ctx, dbus.WithMatchSender(systemd), dbus.WithMatchInterface(manager),
			dbus.WithMatchMember(member), dbus.WithMatchArg(2, s.id)); err != nil {
			return err
		}
	}
	if err := s.match(ctx, dbus.WithMatchSender(systemd), dbus.WithMatchInterface(manager),
		dbus.WithMatchMember("Reloading")); err != nil {
		return err
	}
	// A unit that nothing refers to is forgotten with its history once it is inactive.
	if err := sdbus.Call(ctx, s.object(), unitIface+".Ref", nil); err != nil {
		s.unit.log.Debug("the unit is not pinned", "unit", s.id, "error", err)
	}
	return s.read(ctx)
}

// subscribe makes systemd send signals, and learns who it is.
func (s *session) subscribe(ctx context.Context) error {
	if err := sdbus.Call(ctx, s.conn.BusObject(), getOwner, []any{systemd}, &s.owner); err != nil {
		return err
	}
	err := sdbus.Call(ctx, s.manager(), manager+".Subscribe", nil)
	if e, ok := errors.AsType[dbus.Error](err); ok && e.Name == systemd+".AlreadySubscribed" {
		return nil
	}
	return err
}

func (s *session) match(ctx context.Context, opts ...dbus.MatchOption) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.conn.AddMatchSignalContext(ctx, opts...)
}

func (s *session) manager() dbus.BusObject { return s.conn.Object(systemd, managerPath) }
func (s *session) object() dbus.BusObject  { return s.conn.Object(systemd, s.path) }

// serve follows the unit until the connection or ctx ends.
func (s *session) serve(ctx context.Context, publish func()) error {
	audit := time.NewTicker(auditEvery)
	defer audit.Stop()
	for {
		if err := s.handle(ctx); err != nil {
			return err
		}
		if !s.rec.unsure() {
			publish()
		}
		s.report()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.conn.Context().Done():
			return errors.New("the bus closed the connection")
		case <-s.in.wake:
		case <-audit.C:
			if err := s.audit(ctx); err != nil {
				return err
			}
		}
	}
}

// report hands the ended jobs to those who wait for them, after the state was told.
func (s *session) report() {
	for _, e := range s.done {
		s.unit.ended(e)
	}
	s.done = nil
}
