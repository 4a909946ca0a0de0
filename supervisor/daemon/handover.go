package daemon

import (
	"net/http"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// HandoverAnswer says what became of a handover.
type HandoverAnswer struct {
	Routers []string `json:"routers"`
	To      string   `json:"to"` // the node that was to hold them
	Took    string   `json:"took,omitempty"`
	Problem string   `json:"problem,omitempty"` // why it came to nothing
}

// handoverLook is how often is looked how far a handover has come.
const handoverLook = 2 * time.Millisecond

// serveHandover gives an operator's order, and waits until it is over.
func (d *Daemon) serveHandover(w http.ResponseWriter, r *http.Request) {
	lasts, err := durationOf(r, "for")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, HandoverAnswer{Problem: err.Error()})
		return
	}
	a, ok := d.handOver(r, supervisor.HandOver{Name: r.URL.Query().Get("name"), Lasts: lasts})
	outcome(w, ok, a.Problem, a)
}

// handOver gives an order and waits until it is over; false: the daemon is stopping.
func (d *Daemon) handOver(r *http.Request, ev supervisor.HandOver) (a HandoverAnswer, ok bool) {
	begun := time.Now()
	var v supervisor.HandoverView
	ok = d.mail.ask(func() {
		if v.Problem = d.loop.node.MayHandOver(ev.Name); v.Problem != "" {
			v.Over, v.To = true, d.loop.node.Handover().To
			return
		}
		d.loop.step(ev)
		v = d.loop.node.Handover()
	})
	for ok && !v.Over && r.Context().Err() == nil {
		time.Sleep(handoverLook)
		ok = d.mail.ask(func() { v = d.loop.node.Handover() })
	}
	a = HandoverAnswer{Routers: v.Routers, To: v.To, Problem: v.Problem}
	if a.Problem == "" {
		a.Took = time.Since(begun).Round(time.Millisecond).String()
	}
	return a, ok
}

// durationOf is a time in the query; 0: it is not there.
func durationOf(r *http.Request, key string) (time.Duration, error) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}
