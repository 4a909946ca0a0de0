package daemon

import (
	"net/http"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// ClearAnswer says which virtual routers were held off.
type ClearAnswer struct {
	Cleared []string `json:"cleared"`
}

// serveClear ends the hold-off of whoever lost a conflict.
func (d *Daemon) serveClear(w http.ResponseWriter, _ *http.Request) {
	a := ClearAnswer{Cleared: []string{}}
	ok := d.mail.ask(func() {
		a.Cleared = append(a.Cleared, d.loop.node.HeldOff()...)
		d.loop.step(supervisor.Clear{})
	})
	outcome(w, ok, "", a)
}
