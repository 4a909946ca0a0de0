package daemon

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// moved has hooks and receivers told of a transition.
func (l *loop) moved(a supervisor.Moved) {
	if a.Router == "" {
		l.hands.hooks.Moved(l.transition(a, l.groupOf(a.Group)...), l.cfg.Hooks)
		return
	}
	r := l.routers[a.Router]
	if r == nil {
		return
	}
	t := l.transition(a, &r.Router)
	l.hands.hooks.Moved(t, r.Hooks)
	l.hands.receivers.Moved(t)
}

// groupOf are the routers of a group.
func (l *loop) groupOf(group string) (list []*supervisor.Router) {
	for i := range l.cfg.Routers {
		if l.cfg.Routers[i].Group == group {
			list = append(list, &l.cfg.Routers[i])
		}
	}
	return list
}

// transition is what is told of some routers.
func (l *loop) transition(a supervisor.Moved, routers ...*supervisor.Router) notifynet.Transition {
	t := notifynet.Transition{Moved: a, Node: l.cfg.Node, Peer: l.cfg.Peer, At: time.Now()}
	for _, r := range routers {
		for _, p := range r.Addresses {
			t.Addresses = append(t.Addresses, p.Prefix.String())
		}
		if !slices.Contains(t.Interfaces, r.Interface) {
			t.Interfaces = append(t.Interfaces, r.Interface)
		}
	}
	return t
}

// about is a transition to Active of a router, or in effect of its whole group.
func (l *loop) about(r *served, why vrrp.Reason) notifynet.Transition {
	view := l.node.Router(r.Name)
	a := supervisor.Moved{
		Router: r.Name, Group: r.Group, From: view.State, To: vrrp.Active, Reason: why, Priority: view.Priority,
	}
	if r.Group == "" {
		return l.transition(a, &r.Router)
	}
	return l.transition(a, l.groupOf(r.Group)...)
}

// runHook asks the before_active hook of a router.
func (l *loop) runHook(a supervisor.RunHook) {
	r := l.routers[a.Router]
	if r == nil {
		return
	}
	mail := l.mail
	l.hands.hooks.Ask(l.about(r, a.Why), r.Hooks.BeforeActive, func(problem string) {
		mail.tell(supervisor.HookDone{Router: a.Router, Question: a.Question, Problem: problem})
	})
}

// reassert has the reassert hook of an Active router run.
func (l *loop) reassert(a supervisor.Reassert) {
	if r := l.routers[a.Router]; r != nil {
		l.hands.hooks.Reassert(l.about(r, a.Why), r.Hooks.Reassert)
	}
}
