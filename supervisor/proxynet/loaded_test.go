//go:build linux

package proxynet

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestAUnitTellsWhenItReadItsConfiguration(t *testing.T) {
	h := host(t)
	for unit, breakIt := range map[string]string{
		"nginx":   "echo 'no_such_directive on;' >> /etc/nginx/nginx.conf",
		"haproxy": "echo no_such_keyword >> /etc/haproxy/haproxy.cfg",
	} {
		t.Run(unit, func(t *testing.T) {
			before := Uptime()
			h.Run(t, "systemctl", "start", unit)
			w := watchUnit(t, h, unit+".service")
			w.untilActive()
			// later waits until the configuration has been read after a moment.
			later := func(w *watched, at time.Duration) {
				t.Helper()
				w.until("read again", func(s supervisor.UnitState) bool { return s.Active == "active" && s.Loaded > at })
			}
			if w.last.Loaded <= before || w.last.Loaded >= Uptime() {
				t.Fatalf("started within %s and %s, but loaded at %s", before, Uptime(), w.last.Loaded)
			}

			before = Uptime()
			h.Run(t, "systemctl", "reload", unit)
			later(w, before)
			before = Uptime()
			if err := w.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			later(w, before)

			h.Run(t, "systemctl", "daemon-reload") // forgets the reload
			anew := watchUnit(t, h, unit+".service")
			anew.untilActive()
			if anew.last.Loaded <= before {
				t.Errorf("after a daemon-reload it was loaded at %s, not after %s", anew.last.Loaded, before)
			}

			good := h.Run(t, "sh", "-c", "cat /etc/"+unit+"/"+unit+".c*")
			before = Uptime()
			h.Run(t, "sh", "-c", breakIt)
			if out, err := h.Try("systemctl", "reload", unit); err == nil {
				t.Errorf("a bad configuration is reloaded: %s", out)
			}
			for _, s := range append(w.gather(), anew.gather()...) {
				if s.Loaded > before {
					t.Errorf("a reload that failed counts: %s, loaded at %s", s.UnitState, s.Loaded)
				}
			}
			h.Write(t, "/etc/"+unit+"/"+map[string]string{"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[unit], good+"\n", 0o644)
			before = Uptime()
			h.Run(t, "systemctl", "restart", unit)
			later(w, before)
		})
	}
}

// HAProxy's master tells systemd of a reload that no ReloadUnit asked for.
func TestAReloadBySignalCountsWhereTheUnitTellsOfIt(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "haproxy")
	w := watchUnit(t, h, "haproxy.service")
	w.untilActive()
	time.Sleep(1100 * time.Millisecond) // a start and a reload are two moments
	before := Uptime()
	h.Run(t, "systemctl", "kill", "--kill-whom=main", "-s", "USR2", "haproxy")
	w.until("read again", func(s supervisor.UnitState) bool { return s.Active == "active" && s.Loaded > before })
}

func TestAChildTellsWhenItReadItsConfiguration(t *testing.T) {
	netlab.Need(t, "nginx")
	port, before := freePort(t), Uptime()
	n := nurse(t, proxies["nginx"](t, port)...)
	n.untilActive()
	if n.last.Loaded < before || n.last.Loaded > Uptime() {
		t.Errorf("started within %s and %s, but loaded at %s", before, Uptime(), n.last.Loaded)
	}
	answers(t, port, true)
	before = Uptime()
	if err := n.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.until("read again", func(s supervisor.UnitState) bool { return s.Loaded >= before })
}

func TestLoadedIsWhenTheConfigurationWasLastRead(t *testing.T) {
	up := snapshot{active: "active", started: 10e6, changed: 11e6}
	with := func(s snapshot, change func(*snapshot)) snapshot { change(&s); return s }
	reloading := with(up, func(s *snapshot) { s.active, s.changed = "reloading", 20e6 })
	after := with(up, func(s *snapshot) { s.changed = 21e6 })
	for name, c := range map[string]struct {
		seen []snapshot
		want uint64
	}{
		"started":                               {[]snapshot{{active: "activating", started: 10e6}, up}, 10e6},
		"not up":                                {[]snapshot{{active: "inactive", started: 10e6}}, 0},
		"reloaded by ExecReload=":               {[]snapshot{up, reloading, with(after, func(s *snapshot) { s.reload.start = 19.99e6 })}, 19.99e6},
		"by one that failed":                    {[]snapshot{up, reloading, with(after, func(s *snapshot) { s.reload = reload{19.99e6, true} })}, 11e6},
		"by one that failed before the start":   {[]snapshot{with(up, func(s *snapshot) { s.reload = reload{5e6, true} })}, 10e6},
		"without ExecReload=":                   {[]snapshot{up, reloading, after}, 20e6},
		"without it, an older one is known":     {[]snapshot{up, reloading, with(after, func(s *snapshot) { s.reload.start = 15e6 })}, 20e6},
		"in two steps":                          {[]snapshot{up, reloading, with(reloading, func(s *snapshot) { s.changed = 20.5e6 }), after}, 20e6},
		"before it was looked at":               {[]snapshot{after}, 21e6},
		"and forgotten":                         {[]snapshot{with(after, func(s *snapshot) { s.reload.start = 20e6 }), after}, 20e6},
		"and restarted":                         {[]snapshot{after, with(up, func(s *snapshot) { s.started = 30e6 })}, 30e6},
		"and ended":                             {[]snapshot{after, {active: "failed"}}, 21e6},
		"reloading still":                       {[]snapshot{up, reloading}, 11e6},
		"reloading when it was first looked at": {[]snapshot{reloading, after}, 20e6},
	} {
		r := newRecord()
		for _, s := range c.seen {
			r.update(s)
		}
		if got := r.state().Loaded; got != time.Duration(c.want)*time.Microsecond {
			t.Errorf("%s: loaded at %s, want %dus", name, got, c.want)
		}
	}
}
