package proxynet

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// handle works off the inbox, and reads everything again where it must.
func (s *session) handle(ctx context.Context) error {
	for {
		if err := s.drain(ctx); err != nil || !s.stale {
			return err
		}
		s.stale = false
		if err := s.read(ctx); err != nil {
			return err
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
		if id := p.installed(); id != 0 {
			if err := s.learn(ctx, id); err != nil {
				return err
			}
		}
		s.half.readUnit(p)
		if err := s.askReload(ctx); err != nil {
			return err
		}
		// systemd may tell that a unit rests which it is about to restart by itself.
		s.stale = s.stale || s.half.atRest() && !s.rec.seen.atRest()
		s.rec.update(s.half)
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
	s.rec.announce(id, kind, s.unit.ordered(id, kind))
	return nil
}

func jobPath(id uint32) dbus.ObjectPath {
	return dbus.ObjectPath(fmt.Sprintf("%s/job/%d", managerPath, id))
}
