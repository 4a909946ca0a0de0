package supervisor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ReloadPolicy is what is done about a proxy's configuration that changed.
type ReloadPolicy uint8

// The policies.
const (
	ReloadManual ReloadPolicy = iota // tested and reported
	ReloadAuto                       // tested, and reloaded if the test passes
	ReloadNever                      // reported
)

// Asker is who asked for a test or a reload of the proxy.
type Asker uint8

// The askers. A test for the ladder ends one for the configuration that is under way, which
// is not answered then.
const (
	ForLadder Asker = iota
	ForConfig
)

// suffix tells askers apart in a trace.
func (a Asker) suffix() string {
	if a == ForConfig {
		return " for the configuration"
	}
	return ""
}

// ConfState is how the proxy's configuration on disk is.
type ConfState uint8

// The states of the proxy's configuration.
const (
	ConfUnknown      ConfState = iota // not looked at yet
	ConfUnchanged                     // what the proxy runs with, as far as is known
	ConfChanged                       // another one; the test runs, or is not wanted
	ConfTested                        // another one, tested good; what follows waits for whoever is at the proxy
	ConfBad                           // the test fails: a restart would too
	ConfPending                       // good, but not in force: somebody has to reload
	ConfReloaded                      // in force since a reload of ours
	ConfReloadFailed                  // tested good, but the reload failed
	ConfUnwatched                     // it cannot be looked at
)

var confWords = [...]string{"unknown", "unchanged", "changed", "tested", "bad", "pending", "reloaded", "reload-failed", "unwatched"}

// String is a stable word.
func (c ConfState) String() string { return confWords[c] }

// confGuard watches over the proxy's configuration: what lies on the disk is tested before
// it is needed. It never restarts or stops the proxy and bars nobody: a proxy that runs
// goes on with what it has loaded.
type confGuard struct {
	cfg     Proxy
	state   ConfState
	since   time.Time
	problem string
	changed []string // the paths that differ from what is loaded, sorted

	disk      string        // hash of what lies there; empty: not told yet
	loaded    string        // hash of what the proxy runs with; empty: not known
	written   time.Duration // when disk was written, on the clock of UnitState.Loaded
	unwatched string        // why it cannot be looked at

	judged    bool          // disk was compared with what the proxy has loaded
	due       bool          // disk has to be tested
	testing   bool          // our test runs
	stale     bool          // and is about something that is no longer there
	ladder    bool          // the ladder's test runs
	reloading string        // hash for which our reload runs; empty: none does
	seen      time.Duration // UnitState.Loaded as last looked at
}

// inForce tells that the proxy has read its configuration since it was written.
func (c *confGuard) inForce(u UnitState) bool { return u.Loaded > 0 && u.Loaded >= c.written }

func (c *confGuard) tests() bool { return c.cfg.Reload != ReloadNever && len(c.cfg.Test) > 0 }

func (c *confGuard) enter(now time.Time, state ConfState, problem string) {
	if state != c.state {
		c.since = now
	}
	c.state, c.problem = state, problem
	if state == ConfUnchanged || state == ConfReloaded {
		c.changed = nil
	}
}

// maxChanged bounds the changed paths that are remembered.
const maxChanged = 64

func (c *confGuard) add(paths []string) {
	c.changed = append(c.changed, paths...)
	slices.Sort(c.changed)
	c.changed = slices.Compact(c.changed)
	c.changed = c.changed[:min(len(c.changed), maxChanged)]
}

// what names the changed paths, for a message.
func (c *confGuard) what() string {
	const most = 3
	switch n := len(c.changed); {
	case n == 0:
		return "the configuration of " + c.cfg.Name()
	case n <= most:
		return strings.Join(c.changed, ", ")
	default:
		return fmt.Sprintf("%s and %d more", strings.Join(c.changed[:most], ", "), n-most)
	}
}

// remedy is how a configuration comes into force.
func (c *confGuard) remedy() string {
	if c.cfg.Unit != "" {
		return "systemctl reload " + strings.TrimSuffix(c.cfg.Unit, ".service")
	}
	return "reload: auto would have it reloaded"
}

// confChanged takes note of another configuration on disk.
func (s *step) confChanged(ev ProxyConfigChanged) {
	c := &s.conf
	if ev.Problem != "" {
		c.unwatched = ev.Problem
		s.note("", ReasonConfUnwatched, "%s: %s", c.cfg.Name(), ev.Problem)
		return
	}
	c.unwatched = ""
	if ev.Hash == c.disk && !ev.First {
		return
	}
	c.disk, c.written, c.stale, c.due = ev.Hash, ev.Written, c.testing, c.tests()
	switch {
	case ev.First:
		c.judged, c.loaded, c.changed = false, "", nil
	case c.judged && ev.Hash == c.loaded:
		c.due = false
		if c.state != ConfUnchanged {
			s.note("", ReasonConfRestored, "%s: back to what %s runs with", c.what(), c.cfg.Name())
		}
		c.enter(s.now, ConfUnchanged, "")
	default:
		c.add(ev.Paths)
		c.enter(s.now, ConfChanged, "")
		s.confUntested()
	}
	s.confSettle()
}

// confUntested says what is not going to be tested.
func (s *step) confUntested() {
	c := &s.conf
	switch {
	case c.state != ConfChanged || c.tests():
	case c.inForce(s.guard.unit):
		s.confLoaded()
	case c.cfg.Reload == ReloadNever:
		s.note("", ReasonConfChanged, "%s: changed, and neither tested nor reloaded (reload: never)", c.what())
	default:
		c.enter(s.now, ConfPending, "it cannot be tested: there is no test: for the proxy")
		s.note("", ReasonConfPending, "%s: changed and not in force, and %s: %s", c.what(), c.problem, c.remedy())
	}
}

// confJudge compares what lies there at the start with when the proxy last read it.
func (s *step) confJudge() {
	c, u := &s.conf, s.guard.unit
	c.judged = true
	if u.Loaded > 0 && u.Loaded < c.written {
		c.enter(s.now, ConfChanged, "")
		s.confUntested()
		return
	}
	c.loaded = c.disk
	c.enter(s.now, ConfUnchanged, "")
}

// confSettle looks at the levels, and begins what is due.
func (s *step) confSettle() {
	c := &s.conf
	if c.disk == "" || !s.guard.known {
		return
	}
	if !c.judged {
		s.confJudge()
	}
	s.confReread()
	if c.due && !c.testing && !c.ladder {
		c.testing, c.stale = true, false
		s.do(RunTest{For: ForConfig})
	}
	s.confEnact()
}

// confEnact does what follows from a good test, as soon as nobody else is at the proxy.
func (s *step) confEnact() {
	c := &s.conf
	switch {
	case c.state != ConfTested || c.reloading != "" || s.guard.changing():
	case c.cfg.Reload != ReloadAuto:
		c.enter(s.now, ConfPending, "")
		s.note("", ReasonConfPending, "%s: tested good, not in force: %s", c.what(), c.remedy())
	case s.guard.mayReload():
		c.reloading = c.disk
		s.do(Reload{For: ForConfig})
	}
}

// changing tells that systemd, or somebody by way of it, is about to change the unit.
func (g *guard) changing() bool {
	switch g.unit.Active {
	case "reloading", "refreshing", "activating", "deactivating":
		return true
	}
	return g.unit.Job != ""
}

// confReread notices that somebody reloaded or restarted the proxy.
func (s *step) confReread() {
	c, u := &s.conf, s.guard.unit
	if u.Loaded == c.seen {
		return
	}
	c.seen = u.Loaded
	switch {
	case c.reloading != "" || c.due || c.testing || !c.inForce(u):
	case c.state == ConfBad: // it took it all the same?
		c.due = c.tests()
	case c.state == ConfChanged, c.state == ConfTested, c.state == ConfPending, c.state == ConfReloadFailed:
		s.confLoaded()
	}
}

// confLoaded takes what lies there for what the proxy runs with.
func (s *step) confLoaded() {
	c := &s.conf
	s.note("", ReasonConfLoaded, "%s: in force, %s was reloaded or restarted since", c.what(), c.cfg.Name())
	c.loaded = c.disk
	c.enter(s.now, ConfUnchanged, "")
}

// mayReload tells that the ladder is not at work on a proxy that is up.
func (g *guard) mayReload() bool {
	return g.up() && (g.phase == Good || g.phase == Returning || g.phase == GivenUp)
}

// confTested takes the answer of our test.
func (s *step) confTested(problem string) {
	c := &s.conf
	if !c.testing {
		return
	}
	c.testing = false
	if !c.stale {
		c.due = false
		s.confVerdict(problem)
	}
	s.confSettle()
}

func (s *step) confVerdict(problem string) {
	c := &s.conf
	switch {
	case problem != "":
		if c.loaded == c.disk { // then it is not what the proxy runs with
			c.loaded = ""
		}
		c.enter(s.now, ConfBad, problem)
		s.note("", ReasonConfBad, "%s: %s goes on as it is, but would not start again: %s", c.what(), c.cfg.Name(), problem)
	case c.loaded == c.disk:
	case c.inForce(s.guard.unit):
		s.confLoaded()
	default:
		c.enter(s.now, ConfTested, "")
	}
}

// confReloaded takes the answer of our reload.
func (s *step) confReloaded(problem string) {
	c := &s.conf
	hash := c.reloading
	c.reloading = ""
	switch {
	case hash == "":
	case problem == "":
		c.loaded = hash
		s.confTook(hash)
	case hash != c.disk:
	case c.inForce(s.guard.unit): // somebody was faster
		s.confLoaded()
	default:
		c.enter(s.now, ConfReloadFailed, problem)
		s.note("", ReasonConfReloadFailed, "%s: tested good, but %s", c.what(), problem)
	}
	s.confSettle()
}

// confTook takes note of what our reload brought into force.
func (s *step) confTook(hash string) {
	c := &s.conf
	if hash == c.disk {
		s.note("", ReasonConfReloaded, "%s: tested good, %s reloaded", c.what(), c.cfg.Name())
		c.enter(s.now, ConfReloaded, "")
		return
	}
	c.due = c.tests()
	c.enter(s.now, ConfChanged, "") // also where it was taken back: too late
	s.confUntested()
}

// confAfter follows what the ladder did.
func (s *step) confAfter(done []Action) {
	c := &s.conf
	for _, a := range done {
		if t, ok := a.(RunTest); ok && t.For == ForLadder {
			c.ladder = true
			c.testing, c.stale = false, false // it ended ours: due still
		}
	}
	s.confSettle()
}

// reconfigureConf goes on with other settings for the same proxy.
func (s *step) reconfigureConf(cfg Proxy) {
	c := &s.conf
	same := c.cfg.Reload == cfg.Reload && slices.Equal(c.cfg.Test, cfg.Test)
	c.cfg = cfg
	switch {
	case len(cfg.Watch) == 0:
		s.conf = confGuard{cfg: cfg, ladder: c.ladder}
	case same || c.disk == "":
	default:
		c.stale, c.due = c.testing, c.tests()
		if c.disk != c.loaded {
			c.enter(s.now, ConfChanged, "")
			s.confUntested()
		}
		s.confSettle()
	}
}

// ConfView is how the proxy's configuration is.
type ConfView struct {
	State   ConfState
	Since   time.Time
	Problem string
	Changed []string // the paths that differ from what is loaded
}

func (c *confGuard) view() ConfView {
	if c.unwatched != "" {
		return ConfView{State: ConfUnwatched, Since: c.since, Problem: c.unwatched}
	}
	return ConfView{State: c.state, Since: c.since, Problem: c.problem, Changed: slices.Clone(c.changed)}
}
