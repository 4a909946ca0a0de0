package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Storm is what a run of random faults came to.
type Storm struct {
	Trace   string
	Longest time.Duration // the longest time with two holders that clients could reach
	Half    time.Duration // the longest time in which a daemon that runs held only some of a group
	Failed  time.Duration // the longest time in which a node that says that it fails held, with one beside it that could
	// Unexplained is a router that could not say why it is as it is; empty: all could.
	Unexplained string
	Calm        bool // one holder, serving, and no moves, once everything is mended
}

// localFaults leave the link alone, linkFaults do not.
var (
	localFaults = []string{
		"daemon killed", "daemon stop", "daemon start", "daemon paused", "daemon resumes",
		"power cut", "power on", "proxy killed", "proxy hangs", "proxy wrong once", "proxy start hangs", "proxy stopped", "proxy started",
		"proxy breaks", "proxy config broken", "proxy mended", "address removed",
	}
	linkFaults = append([]string{"cable cut", "cable back"}, localFaults...)
	// firewallFaults concern a group, trackFaults an interface that is tracked.
	firewallFaults = append([]string{"mail blocked", "mail passes"}, localFaults...)
	hookFaults     = append([]string{"hook vetoes", "hook hangs", "hook agrees"}, localFaults...)
	trackFaults    = append([]string{"uplink lost", "uplink found"}, localFaults...)
	// blockFaults are what a firewall does, and a heartbeat sees through.
	blockFaults = append([]string{"vrrp blocked", "vrrp passes", "gateway lost", "gateway found"}, localFaults...)
	cutFaults   = append([]string{"heartbeat cut", "heartbeat back"}, blockFaults...)
)

// Rage runs a pair through random faults, then mends everything and lets it rest.
func Rage(seed uint64, pair *Pair, faults []string) Storm {
	w := New(seed, pair.Node("lb01"), pair.Node("lb02"))
	dice := rand.New(rand.NewPCG(seed, 2))
	for _, h := range w.hosts {
		w.must(h, "power on")
	}
	end, unexplained := 2*time.Second, ""
	for range 4 + dice.IntN(12) {
		end += time.Duration(dice.Int64N(int64(3 * time.Second)))
		w.RunUntil(end)
		h := w.hosts[dice.IntN(len(w.hosts))]
		if what := faults[dice.IntN(len(faults))]; h.can(what) {
			w.must(h, what)
		}
		unexplained += w.unexplained()
	}
	w.RunUntil(end + 5*time.Second)
	longest := w.ledger.longest
	for _, h := range w.hosts {
		h.mend()
	}
	w.RunUntil(end + 3*time.Minute)
	moves := w.ledger.moves
	w.RunUntil(end + 4*time.Minute)
	return Storm{
		Trace: w.Trace(), Longest: max(longest, w.ledger.longest), Half: w.ledger.half, Failed: w.ledger.failed,
		Unexplained: unexplained + w.unexplained(), Calm: w.calm() && moves == w.ledger.moves,
	}
}

// unexplained names the routers whose explanation does not fit them, or has nothing that
// would change it.
func (w *World) unexplained() (list string) {
	for _, h := range w.hosts {
		for _, r := range h.cfg.Routers {
			if h.node == nil {
				continue
			}
			state := h.node.Router(r.Name).State
			e, ok := h.node.Explain(h.clock(), r.Name)
			if !ok || !strings.HasPrefix(e.Text, "I am "+state.String()+" because ") || len(e.Facts) == 0 || len(e.Changes) == 0 {
				list += fmt.Sprintf("%s %s %s: %+v\n", h.cfg.Node, r.Name, state, e)
			}
		}
	}
	return list
}

func (w *World) must(h *host, what string) {
	if err := w.Happen(h.cfg.Node, what); err != nil {
		panic(err)
	}
}

// can tells whether a fault means anything to a host now.
func (h *host) can(what string) bool {
	switch what {
	case "power on":
		return !h.powered
	case "daemon start":
		return h.powered && !h.running
	case "daemon resumes":
		return h.running && h.paused
	case "daemon stop", "daemon killed", "daemon paused":
		return h.running && !h.paused
	case "cable back":
		return !h.cable
	case "uplink found":
		return !h.uplink
	case "vrrp passes":
		return h.deaf
	case "together":
		return h.world.apart
	case "witness found":
		return h.line.lost
	case "witness up":
		return h.world.witness.book == nil
	case "heartbeat back":
		return !h.wire
	case "gateway found":
		return !h.gateway
	case "mail passes":
		return h.blocked["mail"]
	case "proxy started", "proxy mended":
		return h.powered && !h.proxy.up
	}
	return h.powered
}

// mend ends every fault of a host.
func (h *host) mend() {
	for _, what := range []string{"cable back", "uplink found", "mail passes", "vrrp passes", "heartbeat back", "gateway found", "together", "witness found", "witness up", "power on", "daemon resumes", "daemon start"} {
		if h.can(what) {
			h.world.must(h, what)
		}
	}
	h.world.must(h, "hook agrees")
	h.world.must(h, "proxy mended")
}

// calm tells that exactly one host holds the addresses, and serves.
func (w *World) calm() bool {
	holders, serving := 0, 0
	for _, h := range w.hosts {
		if h.holds() {
			holders++
			if h.held() == len(h.cfg.Routers) && h.proxy.serves() {
				serving++
			}
		}
	}
	return holders == 1 && serving == 1
}
