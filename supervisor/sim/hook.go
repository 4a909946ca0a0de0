package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// hook is how the before_active hooks of a host end.
type hook uint8

const (
	agrees hook = iota
	vetoes
	hangs // until its time is over
)

// hookTakes is how long a hook takes that does not hang, about.
const hookTakes = 400 * time.Millisecond

// run answers RunHook.
func (k hook) run(h *host, a supervisor.RunHook) {
	ev := supervisor.HookDone{Router: a.Router, Question: a.Question}
	takes := h.world.latency(hookTakes)
	switch k {
	case vetoes:
		ev.Problem = "move-eip: exit 1: no such interface"
	case hangs:
		limit := h.router(a.Router).Hooks.BeforeActive.Timeout
		ev.Problem = "move-eip: not done within " + limit.String() + ", killed"
		takes = limit
	}
	h.planned(takes, func() { h.tell(ev) })
}
