package supervisor

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Hook is a program that is run when something happens. The zero value is none.
type Hook struct {
	Command []string // the first is an absolute path; there is no shell
	User    string   // whom it runs as; empty: the daemon's
	Timeout time.Duration
	Retry   time.Duration // of BeforeActive: how long the router stays out after a veto
	Every   time.Duration // of Reassert
}

// Set tells whether there is a hook.
func (h *Hook) Set() bool { return len(h.Command) > 0 }

// Hooks are the programs that a router, or a group, has run.
type Hooks struct {
	Notify Hook // at every transition, with keepalived's arguments
	// On entering a state, before Notify.
	Active, Backup, Fault, Stop Hook

	BeforeActive Hook // may veto
	Reassert     Hook // again and again while Active
}

// On is the hook of one state.
func (h *Hooks) On(s vrrp.State) *Hook {
	switch s {
	case vrrp.Active:
		return &h.Active
	case vrrp.Backup:
		return &h.Backup
	case vrrp.Fault:
		return &h.Fault
	}
	return &h.Stop
}

// moves tells whether a transition has anything run.
func (h *Hooks) moves() bool {
	return h.Notify.Set() || h.Active.Set() || h.Backup.Set() || h.Fault.Set() || h.Stop.Set()
}

// Moved tells hooks and receivers of a transition; where there are none it is left out.
type Moved struct {
	Router   string // empty: all routers of Group are where they were to go
	Group    string
	From, To vrrp.State
	Reason   vrrp.Reason
	Detail   string // of a FAULT
	Priority uint8  // the effective one; of a group 0, as keepalived has it
}

// RunHook wants the before_active hook of a router run, answered by HookDone.
type RunHook struct {
	Router   string
	Question uint64
	Why      vrrp.Reason // it would become Active
}

// HookDone answers RunHook; Problem is empty when the router may become Active.
type HookDone struct {
	Router   string
	Question uint64
	Problem  string
}

// Reassert wants the reassert hook of an Active router run.
type Reassert struct {
	Router string
	Why    vrrp.Reason
}

func (Moved) isAction()    {}
func (RunHook) isAction()  {}
func (Reassert) isAction() {}
func (HookDone) isEvent()  {}

func (a Moved) String() string {
	name := a.Router
	if name == "" {
		name = "group " + a.Group
	}
	return fmt.Sprintf("%s moved %s -> %s (%s), priority %d", name, a.From, a.To, a.Reason, a.Priority)
}
func (a RunHook) String() string  { return fmt.Sprintf("%s run before_active hook", a.Router) }
func (a Reassert) String() string { return fmt.Sprintf("%s reassert: %s", a.Router, a.Why) }
func (e HookDone) String() string {
	return fmt.Sprintf("%s before_active hook %s", e.Router, passed(e.Problem))
}

// moved tells of a transition of a router: that it is Active, when it has the addresses,
// for a hook may need them.
func (s *step) moved(r *router, e vrrp.Enter) {
	s.tellActive(r)
	restarts := e.Reason == vrrp.ReasonRestarts || e.Reason == vrrp.ReasonResumed // to the outside nothing moves
	if restarts || !r.cfg.Hooks.moves() && len(s.cfg.Receivers) == 0 {
		return
	}
	m := Moved{Router: r.cfg.Name, Group: r.cfg.Group, From: e.From, To: e.To, Reason: e.Reason, Priority: r.machine.Priority()}
	if e.To == vrrp.Fault {
		m.Detail = r.detail
	}
	if e.To == vrrp.Active {
		r.untold = &m
		return
	}
	s.do(m)
}

// tellActive tells what moved has kept back.
func (s *step) tellActive(r *router) {
	if r.untold != nil {
		s.do(*r.untold)
		r.untold = nil
	}
}

// groupMoved tells of a group once: when all its routers are Active or Backup, or one is
// at fault. keepalived has no STOP for groups.
func (s *step) groupMoved(members []*router) {
	if !s.cfg.Hooks.moves() {
		return
	}
	lead := members[0]
	now, why := lead.machine.State(), lead
	for _, m := range members {
		switch state := m.machine.State(); {
		case m.untold != nil:
			return
		case now == vrrp.Fault || state == now:
		case state == vrrp.Fault:
			now, why = state, m
		default:
			return // on the way
		}
	}
	was := lead.told
	if lead.told = now; was == now || now == vrrp.Initialize || why.entered.Reason == vrrp.ReasonResumed {
		return
	}
	s.do(Moved{Group: lead.cfg.Group, From: was, To: now, Reason: why.entered.Reason, Detail: why.detail})
}

// gate is what the hooks have said before a router, or a group, may become Active. The
// first router of a group has it for all.
type gate struct {
	question uint64
	asked    []string // routers whose hook has not answered yet
	open     bool     // all have, and none vetoed
}

// mayPass asks the hooks of routers that may rise otherwise; true: all have agreed.
func (s *step) mayPass(members []*router) bool {
	g := &members[0].gate
	if g.open || len(g.asked) > 0 {
		return g.open
	}
	hooked := distinct(members, func(m *router) *Hook { return &m.cfg.Hooks.BeforeActive })
	if len(hooked) == 0 {
		return true
	}
	s.questions++
	g.question = s.questions
	for _, m := range hooked {
		g.asked = append(g.asked, m.cfg.Name)
		s.do(RunHook{Router: m.cfg.Name, Question: g.question, Why: cmp.Or(m.machine.Wants(), vrrp.ReasonPeerReleased)})
	}
	return false
}

// distinct are the first routers with each of their hooks.
func distinct(members []*router, hook func(*router) *Hook) []*router {
	var list []*router
	for _, m := range members {
		same := func(o *router) bool { return reflect.DeepEqual(hook(o), hook(m)) }
		if hook(m).Set() && !slices.ContainsFunc(list, same) {
			list = append(list, m)
		}
	}
	return list
}

// hookDone heeds an answer, unless what was asked is void by now: the other node is there
// again.
func (s *step) hookDone(ev HookDone) {
	r := s.router(ev.Router)
	if r == nil {
		return
	}
	g := &s.members(r)[0].gate
	i := slices.Index(g.asked, ev.Router)
	if i < 0 || ev.Question != g.question {
		return
	}
	g.asked = slices.Delete(g.asked, i, i+1)
	g.open = len(g.asked) == 0
	if ev.Problem != "" {
		*g = gate{}
		r.veto, r.vetoUntil = ev.Problem, s.now.Add(r.cfg.Hooks.BeforeActive.Retry)
		s.schedule.plan(r)
	}
	s.touch(r)
}

// quiet is after how many adverts' time a conflict of which nothing is heard any more is
// over.
const quiet = 3

// reasserting keeps the times at which an Active router has its reassert hook run: again
// and again, when a conflict is over, and when its addresses were put back.
type reasserting struct {
	at       time.Time // the next time; zero: not Active, or no hook
	calmAt   time.Time // when a conflict will be over; zero: there is none
	vanished bool      // its addresses were taken away and are being put back
}

func (a *reasserting) deadline() time.Time { return earlier(a.at, a.calmAt) }

// reassertAfter keeps book of what makes a reassert needful.
func (s *step) reassertAfter(r *router, ev vrrp.Event, noted vrrp.Reason) {
	a := &r.reasserting
	if r.machine.State() != vrrp.Active || !r.cfg.Hooks.Reassert.Set() {
		*a = reasserting{}
		return
	}
	if a.at.IsZero() {
		a.at = s.now.Add(r.cfg.Hooks.Reassert.Every)
	}
	switch noted {
	case vrrp.ReasonLowerAdvert, vrrp.ReasonAddressClaimed:
		a.calmAt = s.now.Add(quiet * r.cfg.VRRP.Interval)
	case vrrp.ReasonAddressVanished:
		a.vanished = true
	}
	if ev == (vrrp.Owned{}) && a.vanished {
		a.vanished = false
		s.reassert(r, ReasonAddressBack)
	}
}

// reassertTick fires what is due.
func (s *step) reassertTick(r *router) {
	switch a := &r.reasserting; {
	case due(s.now, a.calmAt):
		a.calmAt = time.Time{}
		s.reassert(r, ReasonConflictOver)
	case due(s.now, a.at):
		s.reassert(r, ReasonPeriodic)
	}
}

// reassert has the hook run; in a group, that of the first router with it.
func (s *step) reassert(r *router, why vrrp.Reason) {
	r.reasserting.at = s.now.Add(r.cfg.Hooks.Reassert.Every)
	if slices.Contains(distinct(s.members(r), func(m *router) *Hook { return &m.cfg.Hooks.Reassert }), r) {
		s.do(Reassert{Router: r.cfg.Name, Why: why})
	}
}
