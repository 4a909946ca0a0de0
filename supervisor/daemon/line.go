package daemon

import (
	"fmt"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// fewRouters is how many routers a line names one by one.
const fewRouters = 8

// line says the state in one line, for STATUS= and for the impatient. It is called on
// the loop's thread.
func (l *loop) line() string {
	parts := l.routersInWords()
	parts[0] = l.node.Health().Verdict.String() + ": " + parts[0]
	if p := l.node.Proxy(now()); p.Guarded {
		parts = append(parts, p.Name+" "+p.Phase.String())
		if p.Config.State == supervisor.ConfBad {
			parts = append(parts, "its configuration on disk is bad")
		}
	}
	return strings.Join(parts, ", ")
}

func (l *loop) routersInWords() []string {
	var parts []string
	switch n := len(l.cfg.Routers); {
	case n == 0:
		return []string{"no virtual router"}
	case n > fewRouters:
		count := l.node.States()
		for _, state := range []vrrp.State{vrrp.Active, vrrp.Backup, vrrp.Fault, vrrp.Initialize} {
			if count[state] > 0 {
				parts = append(parts, fmt.Sprintf("%d of %d routers %s", count[state], n, state))
			}
		}
		return parts
	}
	for _, r := range l.cfg.Routers {
		view := l.node.Router(r.Name)
		word := view.State.String()
		if view.State == vrrp.Fault {
			word += " (" + string(view.Reason) + ")"
		}
		parts = append(parts, r.Name+" "+word)
	}
	return parts
}
