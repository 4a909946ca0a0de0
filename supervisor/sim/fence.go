package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// fence is how the agent ends with which a host fences the other one.
type fence uint8

const (
	fenceWorks fence = iota
	fenceFails
	fenceHangs // until its time is over
	fenceLies  // it says that the host is off, and has done nothing
)

// How long a shot takes that does not hang, about, and a host that is booted anew.
const (
	shotTakes = 800 * time.Millisecond
	bootTakes = 20 * time.Second
)

func init() {
	for what, ends := range map[string]fence{"fence works": fenceWorks, "fence fails": fenceFails, "fence hangs": fenceHangs, "fence lies": fenceLies} {
		faults[what] = func(h *host) { h.fence = ends }
	}
}

// shoot answers Shoot.
func (h *host) shoot(a supervisor.Shoot) {
	ends, takes := h.fence, h.world.latency(shotTakes)
	if ends == fenceHangs {
		takes = h.cfg.Fence.Timeout
	}
	h.planned(takes, func() {
		ev := supervisor.ShotDone{Serial: a.Serial}
		switch ends {
		case fenceWorks:
			h.world.cut(h.cfg.Peer, !h.cfg.Fence.Off)
			ev.By = "fence_sim"
		case fenceFails:
			ev.Problem = "fence_sim: exit 1: login denied"
		case fenceHangs:
			ev.Problem = "fence_sim: not done within " + takes.String() + ", killed"
		case fenceLies:
			ev.By = "fence_sim"
		}
		h.tell(ev)
	})
}

// cut is what a fence does that works.
func (w *World) cut(node string, boot bool) {
	h := w.host(node)
	w.log(node, "* power cut by the fence")
	w.shots++
	h.powerCut()
	w.ledger.look(w)
	w.ledger.report(w)
	if !boot {
		return
	}
	life := h.life
	w.after(bootTakes, func() {
		if h.life == life {
			w.log(node, "* power on")
			h.powerOn()
		}
	})
}

// arm gives a node a fence.
func (p *Pair) arm(cfg *supervisor.Config) {
	if p.Fence == "" {
		return
	}
	cfg.Fence = supervisor.Fence{
		Shot: fencing.ShotConfig{Armed: true, Retries: 1}, After: p.Fence == "after_fence", Off: !p.Reboot,
		Agents: []fencing.Agent{{Program: "/usr/sbin/fence_sim"}}, Timeout: 20 * time.Second,
	}
	if p.Priority[cfg.Node] < p.Priority[cfg.Peer] || p.Priority[cfg.Node] == p.Priority[cfg.Peer] && own[cfg.Node].Less(own[cfg.Peer]) {
		cfg.Fence.Shot.Delay = 5 * time.Second
	}
}
