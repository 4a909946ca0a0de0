package proxynet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
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
	if s.conn, err = dial(ctx, u.Address, s.in); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		s.conn.Close()
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
	if err := call(ctx, s.manager(), manager+".LoadUnit", []any{s.unit.name}, &s.path); err != nil {
		return err
	}
	var err error
	if s.id, err = property[string](ctx, s.object(), unitIface, "Id"); err != nil {
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
	if err := call(ctx, s.object(), unitIface+".Ref", nil); err != nil {
		s.unit.log.Debug("the unit is not pinned", "unit", s.id, "error", err)
	}
	return s.read(ctx)
}

// subscribe makes systemd send signals, and learns who it is.
func (s *session) subscribe(ctx context.Context) error {
	if err := call(ctx, s.conn.BusObject(), getOwner, []any{systemd}, &s.owner); err != nil {
		return err
	}
	err := call(ctx, s.manager(), manager+".Subscribe", nil)
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

// handle works off the inbox. A unit that ended without a known job is looked at
// once more behind a round trip, which everything passes that systemd sent before.
func (s *session) handle(ctx context.Context) error {
	for {
		if err := s.drain(ctx); err != nil {
			return err
		}
		switch {
		case s.stale:
			s.stale = false
			if err := s.read(ctx); err != nil {
				return err
			}
		case s.rec.puzzling:
			if err := call(ctx, s.manager(), "org.freedesktop.DBus.Peer.Ping", nil); err != nil {
				return err
			}
			if err := s.drain(ctx); err != nil {
				return err
			}
			s.rec.puzzling = false
		default:
			return nil
		}
	}
}

func (s *session) drain(ctx context.Context) error {
	for _, sig := range s.in.take() {
		if err := s.signal(ctx, sig); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) signal(ctx context.Context, sig *dbus.Signal) error {
	if sig.Name == ownerChanged && sig.Sender == busName {
		return s.reexecuted(ctx, sig)
	}
	if sig.Sender != s.owner {
		return nil // whoever it is, it is not systemd
	}
	switch sig.Name {
	case properties + ".PropertiesChanged":
		return s.changed(ctx, sig)
	case manager + ".JobNew":
		return s.jobNew(ctx, sig)
	case manager + ".JobRemoved":
		return s.jobRemoved(ctx, sig)
	case manager + ".Reloading":
		var begins bool
		if err := dbus.Store(sig.Body, &begins); err != nil {
			return err
		}
		s.stale = s.stale || !begins
	}
	return nil
}

// reexecuted follows systemd to its new connection.
func (s *session) reexecuted(ctx context.Context, sig *dbus.Signal) error {
	var name, was, is string
	if err := dbus.Store(sig.Body, &name, &was, &is); err != nil {
		return err
	}
	if is == "" || is == s.owner {
		return nil
	}
	s.stale = true
	return s.subscribe(ctx)
}

// changed takes in a change of the unit. systemd sends the Service half and then the
// Unit half; together they are one moment.
func (s *session) changed(ctx context.Context, sig *dbus.Signal) error {
	var iface string
	var p props
	var invalidated []string
	if err := dbus.Store(sig.Body, &iface, &p, &invalidated); err != nil {
		return err
	}
	if sig.Path != s.path {
		return nil
	}
	switch iface {
	case serviceIface:
		s.half.readService(p)
	case unitIface:
		id, _ := p.installed()
		if id != 0 {
			if err := s.learn(ctx, id); err != nil {
				return err
			}
		}
		s.half.readUnit(p)
		s.rec.update(s.half, id != 0)
	}
	return nil
}

func (s *session) jobNew(ctx context.Context, sig *dbus.Signal) error {
	var id uint32
	var path dbus.ObjectPath
	var name string
	if err := dbus.Store(sig.Body, &id, &path, &name); err != nil || name != s.id {
		return err
	}
	return s.learn(ctx, id)
}

func (s *session) jobRemoved(_ context.Context, sig *dbus.Signal) error {
	var id uint32
	var path dbus.ObjectPath
	var name, result string
	if err := dbus.Store(sig.Body, &id, &path, &name, &result); err != nil || name != s.id {
		return err
	}
	s.rec.remove(id, result)
	s.done = append(s.done, ended{path, result})
	return nil
}

// learn asks what kind a job is, once.
func (s *session) learn(ctx context.Context, id uint32) error {
	if _, known := s.rec.jobs[id]; known {
		return nil
	}
	kind, err := s.unit.jobKind(ctx, s.conn.Object(systemd, jobPath(id)))
	if err != nil && !gone(err) {
		return err
	}
	s.rec.announce(id, kind, s.unit.restarts() && starts(kind))
	return nil
}

func jobPath(id uint32) dbus.ObjectPath {
	return dbus.ObjectPath(fmt.Sprintf("%s/job/%d", managerPath, id))
}

// read asks for the whole state. The signals that came before the answer are worked
// off first, so that what then differs was never signalled.
func (s *session) read(ctx context.Context) error {
	var unit, service props
	if err := call(ctx, s.object(), properties+".GetAll", []any{serviceIface}, &service); err != nil && !gone(err) {
		return err
	}
	if err := call(ctx, s.object(), properties+".GetAll", []any{unitIface}, &unit); err != nil {
		return err
	}
	if err := s.drain(ctx); err != nil {
		return err
	}
	var now snapshot
	now.readService(service)
	now.readUnit(unit)
	installed, _ := unit.installed()
	for id := range s.rec.jobs {
		if id != installed {
			s.rec.remove(id, "")
			s.done = append(s.done, ended{jobPath(id), ""})
		}
	}
	if installed != 0 {
		if err := s.learn(ctx, installed); err != nil {
			return err
		}
	}
	s.half = now
	s.rec.reread(now)
	return nil
}

// audit reads again when the state is not what the signals said: nothing is lost for
// longer than one audit. It also notices a bus that no longer answers.
func (s *session) audit(ctx context.Context) error {
	active, err := property[string](ctx, s.object(), unitIface, "ActiveState")
	if err != nil {
		return err
	}
	load, err := property[string](ctx, s.object(), unitIface, "LoadState")
	if err != nil {
		return err
	}
	if err := s.handle(ctx); err != nil {
		return err
	}
	if active == s.rec.seen.active && load == s.rec.seen.load && !s.rec.unsure() {
		return nil
	}
	return s.read(ctx)
}

// report hands the ended jobs to those who wait for them, after the state was told.
func (s *session) report() {
	for _, e := range s.done {
		s.unit.ended(e)
	}
	s.done = nil
}
