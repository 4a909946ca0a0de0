package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Storm is what a run of random faults came to.
type Storm struct {
	Trace   string
	Longest time.Duration // the longest time with two holders that clients could reach
	Half    time.Duration // the longest time in which a daemon that runs held only some of a group
	Faults  int           // how many there were, at the most
	Moves   int           // until everything was mended
	// Unserved is the longest time in which nobody held where clients are, though a host that
	// was well all the time could have.
	Unserved time.Duration
	Failed   time.Duration // the longest time in which a node that says that it fails held, with one beside it that could
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
	restartFaults  = []string{"daemon restarts", "daemon restarts slowly", "daemon restarts late"}
	hookFaults     = append([]string{"hook vetoes", "hook hangs", "hook agrees"}, localFaults...)
	trackFaults    = append([]string{"uplink lost", "uplink found"}, localFaults...)
	// blockFaults are what a firewall does, and a heartbeat sees through.
	blockFaults = append([]string{"vrrp blocked", "vrrp passes", "gateway lost", "gateway found"}, localFaults...)
	cutFaults   = append([]string{"heartbeat cut", "heartbeat back"}, blockFaults...)
	// wayFaults are of one direction, or of one link; pauseFaults stop a host with its kernel.
	wayFaults = append([]string{
		"isolated in", "isolated out", "cable back", "vrrp blocked out", "vrrp passes", "gateway flaps",
		"heartbeat 1 cut", "heartbeat 2 cut out", "heartbeat cut in", "ruleset flushed",
	}, cutFaults...)
	pauseFaults = append([]string{"host frozen", "host suspended", "host thaws", "host thaws"}, wayFaults...)
	// operatorFaults are what somebody does on purpose meanwhile.
	operatorFaults = append([]string{"handover", "handover", "handover for 10s", "maintenance on", "maintenance on for 20s", "maintenance off", "freeze on", "freeze off"}, cutFaults...)
	// partFaults leave nobody a way to know who is alive.
	partFaults = append([]string{"peer cut", "peer cut in", "peer cut out", "peer back", "loss 30", "loss 30 in", "loss 30 out", "loss 0"}, pauseFaults...)
)

// Rage runs a pair through random faults, then mends everything and lets it rest. Quietly it
// leaves no trace, and is the faster for it.
func Rage(seed uint64, pair *Pair, faults []string, quietly bool) Storm {
	w := New(seed, pair.Node("lb01"), pair.Node("lb02"))
	w.quiet = quietly
	dice := rand.New(rand.NewPCG(seed, 2))
	for _, h := range w.hosts {
		w.must(h, "power on")
	}
	end, unexplained := 2*time.Second, ""
	many := 4 + dice.IntN(12)
	for range many {
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
	stormy := w.ledger.moves
	w.RunUntil(end + 3*time.Minute)
	moves := w.ledger.moves
	w.RunUntil(end + 4*time.Minute)
	return Storm{
		Trace: w.Trace(), Longest: max(longest, w.ledger.longest), Half: w.ledger.half, Failed: w.ledger.failed,
		Faults: many, Moves: stormy, Unserved: w.ledger.unserved,
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
	case "daemon stop", "daemon killed", "daemon paused", "daemon restarts", "daemon restarts slowly", "daemon restarts late":
		return h.running && !h.paused
	case "cable back":
		return !h.front().passes()
	case "uplink found":
		return h.nic(uplink) != nil && !h.nic(uplink).carrier
	case "vrrp passes":
		return h.deaf || h.mute
	case "host thaws":
		return h.frozen
	case "host frozen", "host suspended":
		return h.powered && !h.frozen
	case "peer back":
		return slices.ContainsFunc(h.world.hosts, func(h *host) bool { return h.severed })
	case "loss 0":
		return h.lossIn+h.lossOut > 0
	case "witness found":
		return h.way.lost
	case "witness up":
		return h.world.witness.book == nil
	case "heartbeat back":
		return slices.ContainsFunc(h.lines, func(l *line) bool { return !l.in || !l.out })
	case "gateway found":
		return !h.gateway || h.flapping
	case "mail passes":
		return h.blocked["mail"]
	case "proxy started", "proxy mended":
		return h.powered && !h.proxy.up
	}
	return h.powered
}

// mend ends every fault of a host.
func (h *host) mend() {
	for _, what := range []string{"host thaws", "cable back", "peer back", "loss 0", "uplink found", "mail passes", "vrrp passes", "heartbeat back", "gateway found", "witness found", "witness up", "power on", "daemon resumes", "daemon start"} {
		if h.can(what) {
			h.world.must(h, what)
		}
	}
	for _, what := range []string{"maintenance off", "freeze off"} {
		if h.running && !h.paused && len(h.node.Modes()) > 0 {
			h.world.must(h, what)
		}
	}
	h.world.must(h, "hook agrees")
	h.world.must(h, "fence works")
	h.world.must(h, "proxy mended")
}

// calm tells that exactly one host holds the addresses, and serves.
func (w *World) calm() bool {
	holders, serving := 0, 0
	for _, h := range w.hosts {
		if h.holds() {
			holders++
			if h.answering == len(h.cfg.Routers) && h.proxy.serves() {
				serving++
			}
		}
	}
	return holders == 1 && serving == 1
}
