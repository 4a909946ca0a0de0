package sim

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// stranger is a third host on the link that has the addresses, too.
type stranger struct{ there bool }

const strangersMAC = "02:00:00:00:00:99"

// comes puts the addresses on the third host, which announces them twice.
func (s *stranger) comes(w *World) {
	s.there = true
	for _, after := range []time.Duration{wire, 2 * time.Second} {
		w.after(after, func() {
			for _, h := range w.hosts {
				for _, r := range h.cfg.Routers {
					if s.there && h.reachable(&r) && h.running && h.node.Active(r.Name) {
						h.tell(supervisor.RouterEvent{Router: r.Name, Event: vrrp.Claimed{By: strangersMAC}})
					}
				}
			}
		})
	}
}

// answer answers a host's question who has an address.
func (s *stranger) answer(h *host, router string) {
	if s.there && h.reachable(h.vip(router).cfg) {
		h.planned(2*h.world.latency(wire), func() {
			h.tell(supervisor.RouterEvent{Router: router, Event: vrrp.Answered{Holder: strangersMAC}})
		})
	}
}

// mac is that of a host's interface.
func (h *host) mac() fencing.MAC { return fencing.MAC{2, 0, 0, 0, 0, h.number + 5} }

// seenAs is what a host's answer bears: for stories without a heartbeat its name.
func (h *host) seenAs() string {
	if len(h.cfg.Heartbeat.Links) == 0 {
		return h.cfg.Node
	}
	return h.mac().String()
}
