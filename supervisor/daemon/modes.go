package daemon

import (
	"net/http"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// ModeStatus is a mode that an operator has put a node into.
type ModeStatus struct {
	Mode   string    `json:"mode"` // maintenance or freeze
	Node   string    `json:"node"`
	Since  time.Time `json:"since,omitzero"` // of this node's
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// modeStatus are those of both nodes. It is called on the loop's thread.
func (l *loop) modeStatus() (list []ModeStatus) {
	for _, m := range l.node.Modes() {
		list = append(list, ModeStatus{Mode: m.Mode.String(), Node: l.cfg.Node, Since: when(m.Since), Until: when(m.Until), Reason: m.Reason})
	}
	for m, n := range l.node.PeerModes() {
		if n.On {
			s := ModeStatus{Mode: supervisor.Mode(m).String(), Node: l.cfg.Peer, Reason: n.Why}
			if n.Left > 0 {
				s.Until = time.Now().Add(n.Left)
			}
			list = append(list, s)
		}
	}
	return list
}

// restoreModes puts the node into the modes that the daemon before was in.
func (l *loop) restoreModes() {
	list, err := l.hands.modes.read(time.Now())
	if err != nil {
		l.journal.warn(supervisor.ReasonMaintenanceEnds, "it is not known which mode this node was in: "+err.Error())
	}
	for _, ev := range list {
		l.step(ev)
	}
}

// keepModes has the file written, elsewhere.
func (h *hands) keepModes(a supervisor.KeepModes) {
	h.modes.set(a)
	if h.modes.path != "" {
		h.fencing.Go(func() { _ = h.modes.write() }) // who has asked for it writes it, too, and is told
	}
}

// ModeAnswer says what became of a wish.
type ModeAnswer struct {
	HandoverAnswer          // of what was held, if anything was
	Held           []string `json:"held,omitempty"` // what is given up although nobody takes it
	Peer           string   `json:"peer"`
	PeerClass      string   `json:"peer_class,omitempty"` // empty: it is not heard
	Was            bool     `json:"was"`                  // it was in that mode before
	Unkept         string   `json:"unkept,omitempty"`     // why it does not last over a restart
}

// serveMode begins or ends a mode. A node that holds hands over before its maintenance; where
// that is refused nothing is done, unless it is forced.
func (d *Daemon) serveMode(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	mode, known := supervisor.ModeOf(r.PathValue("mode"))
	lasts, err := durationOf(r, "for")
	if !known || err != nil || r.PathValue("to") != "on" && r.PathValue("to") != "off" {
		http.Error(w, "no such mode", http.StatusBadRequest)
		return
	}
	ev := supervisor.SetMode{Mode: mode, On: r.PathValue("to") == "on", Lasts: lasts, Reason: q.Get("reason")}
	a, ok := d.enter(r, ev, q.Get("force") != "")
	outcome(w, ok, a.Problem, a)
}

// enter does it; false: the daemon is stopping.
func (d *Daemon) enter(r *http.Request, ev supervisor.SetMode, force bool) (a ModeAnswer, ok bool) {
	holds := false
	ok = d.mail.ask(func() {
		a.Peer = d.loop.cfg.Peer
		a.Problem = d.loop.node.MaySetMode(ev.Mode, ev.On)
		for _, m := range d.loop.node.Modes() {
			a.Was = a.Was || m.Mode == ev.Mode
		}
		holds = len(d.loop.held()) > 0
	})
	if !ok || a.Problem != "" {
		return a, ok
	}
	if ev.Mode == supervisor.Maintenance && ev.On && holds {
		if a.HandoverAnswer, ok = d.handOver(r, supervisor.HandOver{}); !ok || a.Problem != "" && !force {
			return a, ok
		}
	}
	ok = d.mail.ask(func() {
		if ev.Mode == supervisor.Maintenance && ev.On {
			a.Held, a.Problem = d.loop.held(), ""
		}
		if h := d.loop.node.PeerModes(); h != nil {
			a.PeerClass = d.loop.node.PeerClass().String()
		}
		d.loop.step(ev)
	})
	if err := d.hands.modes.write(); err != nil {
		a.Unkept = err.Error()
	}
	return a, ok
}

// held are the routers that are Active.
func (l *loop) held() (list []string) {
	for i := range l.cfg.Routers {
		if name := l.cfg.Routers[i].Name; l.node.Active(name) {
			list = append(list, name)
		}
	}
	return list
}

// ForceAnswer says what taking by force overrides, and what became of it.
type ForceAnswer struct {
	Overrides []string `json:"overrides"`
	HandoverAnswer
}

// serveTake tells what speaks against taking the addresses, and takes them if it is forced.
func (d *Daemon) serveTake(w http.ResponseWriter, r *http.Request) {
	name, begun := r.URL.Query().Get("name"), time.Now()
	var a ForceAnswer
	over := true
	ok := d.mail.ask(func() {
		v := d.loop.node.Force(name)
		a = ForceAnswer{Overrides: v.Overrides, HandoverAnswer: HandoverAnswer{Routers: v.Routers, To: d.loop.cfg.Node, Problem: v.Problem}}
		if r.Method == http.MethodPost && v.Problem == "" && len(v.Routers) > 0 {
			d.loop.step(supervisor.TakeForced{Name: name})
			over = false
		}
	})
	for ok && !over && r.Context().Err() == nil {
		time.Sleep(handoverLook)
		ok = d.mail.ask(func() {
			v := d.loop.node.Handover()
			over, a.Problem = v.Over, v.Problem
		})
		a.Took = time.Since(begun).Round(time.Millisecond).String()
	}
	outcome(w, ok, a.Problem, a)
}
