package daemon

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// wires are the heartbeat's links, each with a goroutine that sends.
type wires struct {
	list []*fencingnet.Wire
	out  []chan fencing.Heartbeat
	done sync.WaitGroup
	lost []loss // by link; only the loop's thread uses it
}

// beatsWaiting is how many messages wait for a link that does not take them; more are lost.
const beatsWaiting = 4

// linkHeartbeat ends the links of the configuration before, and begins with others.
func (h *hands) linkHeartbeat() {
	old := h.wires
	h.wires = &wires{lost: make([]loss, len(h.cfg.Heartbeat.Links))}
	life := new(struct{ ended bool }) // only the loop's thread looks at it
	if h.endWires != nil {
		h.endWires()
	}
	h.endWires = func() { life.ended = true }
	if old != nil {
		h.orders.Go(old.close) // it may take a moment
	}
	tell := func(ev supervisor.Event) {
		h.mail.put(letter{ask: func() {
			if !life.ended {
				h.step(ev)
			}
		}})
	}
	hear := func(link int, m *fencing.Heartbeat) {
		var ahead time.Duration
		if m.Clock != 0 {
			ahead = time.Until(time.Unix(0, m.Clock))
		}
		h.mail.put(letter{ask: func() {
			if !life.ended {
				h.wires.lost[link].heard(m.Session, m.Sequence, len(h.wires.lost))
				h.step(supervisor.HeartbeatHeard{Link: link, Heartbeat: m, Ahead: ahead, Proxy: digestOf(h.configHash)})
			}
		}})
	}
	for i, l := range h.cfg.Heartbeat.Links {
		h.wires.open(fencingnet.WireConfig{Local: l.Local, Peer: l.Peer, Keys: h.cfg.Heartbeat.Keys}, fencingnet.Listener{
			Heard: func(m *fencing.Heartbeat) { hear(i, m) },
			Gone:  func() { tell(supervisor.HeartbeatGone{Link: i}) },
			Refused: func(r fencing.Refusal) {
				h.mail.put(letter{ask: func() {
					if !life.ended {
						h.remark(l, r)
					}
				}})
			},
		})
	}
}

// remark writes that a heartbeat was refused; the same is written once a minute.
func (h *hands) remark(l supervisor.HeartbeatLink, r fencing.Refusal) {
	text := fmt.Sprintf("a heartbeat of %s is refused: %s", l.Peer.Addr(), r.Remedy())
	h.journal.limited(text, vrrp.Reason(r), text+" ("+string(r)+")", logbook.Peer, l.Peer.Addr().String())
}

func sameLinks(a, b *supervisor.Heartbeat) bool {
	return reflect.DeepEqual(a.Links, b.Links) && reflect.DeepEqual(a.Keys, b.Keys)
}

func (w *wires) open(cfg fencingnet.WireConfig, tell fencingnet.Listener) {
	wire, out := fencingnet.OpenWire(cfg, tell), make(chan fencing.Heartbeat, beatsWaiting)
	w.list, w.out = append(w.list, wire), append(w.out, out)
	w.done.Go(func() {
		for m := range out {
			_ = wire.Send(&m) // Count has what was sent, and the problem
		}
		wire.Close()
	})
}

// beat sends a message; it never blocks.
func (w *wires) beat(b supervisor.Beat) {
	if b.Link >= len(w.out) {
		return
	}
	select {
	case w.out[b.Link] <- b.Heartbeat:
	default:
	}
}

// close sends what waits, then ends. Nothing may be sent any more.
func (w *wires) close() {
	for _, out := range w.out {
		close(out)
	}
	w.done.Wait()
}

// counts are what each link has carried.
func (w *wires) counts() []fencingnet.WireCount {
	list := make([]fencingnet.WireCount, len(w.list))
	for i, wire := range w.list {
		list[i] = wire.Count()
	}
	return list
}
