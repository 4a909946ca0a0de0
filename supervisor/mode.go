package supervisor

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The modes that an operator puts a node into. In maintenance it takes no part, whatever
// happens to the other one. Frozen it moves nothing that need not be moved: alarms are raised
// and who holds the addresses goes on; that the other node dies, or that both hold, is another
// matter.

// Mode is one of them.
type Mode uint8

// The modes.
const (
	Maintenance Mode = iota
	Freeze
	modes
)

var modeWords = [...]string{"maintenance", "freeze"}

// String is a stable word.
func (m Mode) String() string { return modeWords[m] }

// ModeOf is the mode of a word.
func ModeOf(word string) (Mode, bool) {
	for m, w := range modeWords {
		if w == word {
			return Mode(m), true
		}
	}
	return 0, false
}

// SetMode puts this node into a mode, or ends it.
type SetMode struct {
	Mode   Mode
	On     bool
	Lasts  time.Duration // 0: until it is ended
	Reason string        // an operator's words; may be empty
	// Kept tells that the daemon before was in it.
	Kept bool
}

func (SetMode) isEvent() {}

// String is one line of the trace.
func (e SetMode) String() string {
	if !e.On {
		return e.Mode.String() + " off"
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s on %s %s", e.Mode, lastsWord(e.Lasts), e.Reason)), " ")
}

func lastsWord(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "for " + d.String()
}

// KeepModes wants what the modes are kept for the next daemon.
type KeepModes struct{ Modes []ModeView }

func (KeepModes) isAction() {}

// String names those that are on.
func (a KeepModes) String() string {
	words := []string{"keep modes"}
	for _, m := range a.Modes {
		words = append(words, m.Mode.String())
	}
	return strings.Join(words, " ")
}

// mode is what one is like. The zero value: it is off.
type mode struct {
	since  time.Time
	until  time.Time // zero: until it is ended
	reason string
}

func (m *mode) on() bool { return !m.since.IsZero() }

// notice is what the other node is told of a mode.
func (m *mode) notice(now time.Time) fencing.Notice {
	n := fencing.Notice{On: m.on(), Why: m.reason}
	if !m.until.IsZero() {
		n.Left = max(m.until.Sub(now), time.Nanosecond)
	}
	return n
}

// ModeView is a mode that a node is in.
type ModeView struct {
	Mode   Mode
	Since  time.Time
	Until  time.Time // zero: until it is ended
	Reason string
}

// Modes are those that this node is in.
func (n *Node) Modes() (list []ModeView) {
	for m := range n.modes {
		if one := &n.modes[m]; one.on() {
			list = append(list, ModeView{Mode(m), one.since, one.until, one.reason})
		}
	}
	return list
}

// PeerModes are what the other node says of itself; nil: nothing is heard of it.
func (n *Node) PeerModes() []fencing.Notice {
	h, heard := n.told()
	if !heard {
		return nil
	}
	return []fencing.Notice{Maintenance: h.Maintenance, Freeze: h.Freeze}
}

// MaySetMode says why a mode makes no sense here; empty: it does.
func (n *Node) MaySetMode(m Mode, on bool) string {
	if m == Freeze && on && !n.linked() {
		return "without a heartbeat the other node cannot be told: configure heartbeat: with a key_file and links"
	}
	return ""
}

// setMode enters a mode, or ends it.
func (s *step) setMode(ev SetMode) {
	m := &s.modes[ev.Mode]
	was := m.on()
	*m = mode{}
	if ev.On {
		*m = mode{since: s.now, reason: cut(ev.Reason)}
		if ev.Lasts > 0 {
			m.until = s.now.Add(ev.Lasts)
		}
		s.modeBegins(ev)
	} else if was {
		s.modeEnds(ev.Mode, "an operator ended it")
	}
	s.modesChanged()
}

func (s *step) modesChanged() {
	s.restless = true
	s.do(KeepModes{Modes: s.Modes()})
	s.touchAll()
}

// modeBegins says that a mode was entered.
func (s *step) modeBegins(ev SetMode) {
	text := joined(" ", lastsWord(ev.Lasts.Round(time.Second)), inBrackets(ev.Reason))
	if ev.Kept {
		text = joined(" ", text, "(as before this daemon began)")
	}
	if text != "" {
		text = " " + text
	}
	switch ev.Mode {
	case Maintenance:
		s.note("", ReasonMaintenanceBegins, "maintenance%s: this node takes no part, even if %s dies", text, s.peerName())
	default:
		s.note("", ReasonFreezeBegins, "frozen%s: nothing moves that need not be moved", text)
	}
}

func inBrackets(reason string) string {
	if reason == "" {
		return ""
	}
	return "(" + reason + ")"
}

func (s *step) modeEnds(m Mode, why string) {
	switch m {
	case Maintenance:
		s.note("", ReasonMaintenanceEnds, "the maintenance of this node is over: %s", why)
	default:
		s.note("", ReasonFreezeEnds, "nothing is frozen here any more: %s", why)
	}
}

// modesTick ends the modes whose time is over.
func (s *step) modesTick() {
	for m := range s.modes {
		if one := &s.modes[m]; due(s.now, one.until) {
			*one = mode{}
			s.modeEnds(Mode(m), "its time is over")
			s.modesChanged()
		}
	}
}

// modesDeadline is when the first of them ends; zero: none does by itself.
func (n *Node) modesDeadline() time.Time {
	return earlier(n.modes[Maintenance].until, n.modes[Freeze].until)
}

// maintenanceFault is why a node in maintenance takes no part.
func (s *step) maintenanceFault() (vrrp.Reason, string) {
	m := &s.modes[Maintenance]
	if !m.on() {
		return "", ""
	}
	return ReasonMaintenance, joined(" ", "in maintenance", inBrackets(m.reason)) + ", until `pairkeeper maintenance off`"
}

// frozen tells that nothing is to be moved: as an operator wants here, or on the other node as
// long as the two hear each other.
func (n *Node) frozen() bool {
	if n.modes[Freeze].on() {
		return true
	}
	return n.linked() && n.pulse != nil && n.pulse.Hearing() == fencing.BothWay && n.peerHeartbeat().Freeze.On
}

func (n *Node) peerHeartbeat() *fencing.Heartbeat {
	h, _ := n.pulse.Peer()
	return h
}

// frozenWhere says by whom; empty: nobody.
func (n *Node) frozenWhere() string {
	switch {
	case !n.frozen():
		return ""
	case n.modes[Freeze].on():
		return joined(" ", "frozen on "+n.cfg.Node, inBrackets(n.modes[Freeze].reason))
	}
	return joined(" ", "frozen on "+n.peerName(), inBrackets(n.peerHeartbeat().Freeze.Why))
}

// stuck tells that a router holds, and goes on with it whatever its health is: it is frozen, or
// somebody forced it here.
func (s *step) stuck(r *router) bool {
	return r.machine.State() == vrrp.Active && s.frozen() || r.forced
}

// healthFault is why a router should not take part though it could. One that is stuck goes on,
// and it is told once what for it would have left.
func (s *step) healthFault(r *router) (vrrp.Reason, string) {
	fault, why := s.unhealthy(r)
	if fault == "" || !s.stuck(r) {
		r.endures = ""
		return fault, why
	}
	if fault != r.endures {
		r.endures = fault
		s.note(r.cfg.Name, ReasonEndured, "it would give the addresses up (%s: %s), but goes on: %s", fault, why, s.whyStuck(r))
	}
	return "", ""
}

func (s *step) whyStuck(r *router) string {
	if r.forced {
		return "an operator forced it here"
	}
	return s.frozenWhere()
}

// PeerClass is what the other node says that it is worth.
func (n *Node) PeerClass() fencing.Class { return n.peerHeartbeat().Class }
