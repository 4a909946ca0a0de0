package proxynet

import (
	"context"

	"github.com/pairkeeper/pairkeeper/internal/sdbus"
)

// read asks for the whole state. The signals that came before the answer are worked
// off first, so that what then differs was never signalled.
func (s *session) read(ctx context.Context) error {
	state, err := sdbus.All(ctx, s.object()) // as of one moment
	if err != nil {
		return err
	}
	all := props(state)
	if err := s.drain(ctx); err != nil {
		return err
	}
	var now snapshot
	now.readService(all)
	now.readUnit(all)
	installed := all.installed()
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
	s.rec.ended = s.unit.asked()
	s.rec.reread(now)
	return nil
}

// audit reads again when the state is not what the signals said: nothing is lost for
// longer than one audit. It also notices a bus that no longer answers.
func (s *session) audit(ctx context.Context) error {
	active, err := sdbus.Property[string](ctx, s.object(), unitIface, "ActiveState")
	if err != nil {
		return err
	}
	load, err := sdbus.Property[string](ctx, s.object(), unitIface, "LoadState")
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
