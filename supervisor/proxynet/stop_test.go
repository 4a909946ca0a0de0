//go:build linux

package proxynet

import (
	"path/filepath"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestOurOwnStopIsNoOperators(t *testing.T) {
	h := host(t)
	// As pairkeeper.service does: systemd must not forget a unit that is down.
	h.Write(t, "/etc/systemd/system/keeps.service", "[Unit]\nAfter=nginx.service haproxy.service\n[Service]\nExecStart=sleep infinity\n", 0o644)
	h.Run(t, "systemctl", "start", "keeps")
	for _, unit := range []string{"nginx.service", "haproxy.service"} {
		t.Run(unit, func(t *testing.T) {
			memory := filepath.Join(t.TempDir(), "stopped")
			h.Run(t, "systemctl", "start", unit)
			w := watchUnit(t, h, unit, func(u *Unit) { u.Memory = memory })
			w.untilActive()
			for range rounds / 3 {
				if err := w.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				all := append(w.untilDown(), w.gather()...)
				if anyState(all, func(s supervisor.UnitState) bool { return s.StopAsked || s.Job != "" }) {
					t.Fatalf("our own stop was taken for somebody else's:\n%s", lines(all))
				}
				if _, err := w.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.untilActive()
			}

			// Nor is it for the next process of ours, unlike an operator's stop of a later run.
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilDown()
			next := watchUnit(t, h, unit, func(u *Unit) { u.Memory = memory })
			w.stop()
			if next.untilDown(); next.last.StopAsked {
				t.Errorf("after a restart of pairkeeper: %s", next.last)
			}
			h.Run(t, "systemctl", "start", unit)
			next.untilActive()
			last := watchUnit(t, h, unit, func(u *Unit) { u.Memory = memory })
			last.untilActive()
			next.stop()
			last.stop()
			h.Run(t, "systemctl", "stop", unit)
			operator := watchUnit(t, h, unit, func(u *Unit) { u.Memory = memory })
			if operator.untilDown(); !operator.last.StopAsked {
				t.Errorf("an operator's stop while pairkeeper was down: %s", operator.last)
			}
		})
	}
}

func TestAnOperatorsStopAfterOursIsAsked(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untilDown()
	h.Run(t, "systemctl", "start", "nginx")
	w.untilActive()
	h.Run(t, "systemctl", "stop", "nginx")
	if w.untilDown(); !w.last.StopAsked {
		t.Errorf("%s", w.last)
	}
}
