package daemon

import (
	"net/http"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Explanation says why the routers are as they are, as the control socket's JSON.
type Explanation struct {
	Schema  int             `json:"schema"`
	Node    string          `json:"node"`
	Peer    string          `json:"peer"`
	Health  HealthStatus    `json:"health"`
	Routers []RouterExplain `json:"routers"`
}

// RouterExplain is that of one router, in whole sentences.
type RouterExplain struct {
	Router  string   `json:"router"`
	State   string   `json:"state"`
	Reason  string   `json:"reason"`
	Text    string   `json:"text"`
	Facts   []string `json:"facts"`   // the numbers behind it
	Changes []string `json:"changes"` // what would change it
	Peer    []string `json:"peer"`    // about the other node
	Remedy  []string `json:"remedy"`  // what an operator can do
}

// Explain explains a router, or all of them if it is empty; found: there is one of that
// name, running: the daemon is.
func (d *Daemon) Explain(router string) (e Explanation, found, running bool) {
	var routers []supervisor.Router
	ask := func() {
		v := d.loop.node.Summary(now())
		e = Explanation{Schema: 1, Node: v.Node, Peer: v.Peer, Health: healthStatus(v.Health), Routers: []RouterExplain{}}
		routers = d.loop.cfg.Routers
	}
	if !d.mail.ask(ask) {
		return e, false, false
	}
	if router != "" {
		routers = slices.DeleteFunc(slices.Clone(routers), func(r supervisor.Router) bool { return r.Name != router })
	}
	for some := range slices.Chunk(routers, routersAtOnce) {
		if !d.mail.ask(func() { e.Routers = d.loop.explain(e.Routers, some) }) {
			return e, false, false
		}
	}
	return e, router == "" || len(e.Routers) > 0, true
}

// explain adds the explanations of some routers. It is called on the loop's thread.
func (l *loop) explain(list []RouterExplain, routers []supervisor.Router) []RouterExplain {
	for i := range routers {
		x, ok := l.node.Explain(now(), routers[i].Name)
		if !ok {
			continue
		}
		list = append(list, ExplainRouter(x))
	}
	return list
}

// ExplainRouter is an explanation as JSON shows it.
func ExplainRouter(x supervisor.Explanation) RouterExplain {
	return RouterExplain{
		Router: x.Router, State: x.State.String(), Reason: string(x.Reason), Text: x.Text,
		Facts: some(x.Facts), Changes: some(x.Changes), Peer: some(x.Peer), Remedy: some(x.Remedy),
	}
}

// some is a list that JSON shows as one even if it is empty.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (d *Daemon) serveExplain(w http.ResponseWriter, r *http.Request) {
	e, found, running := d.Explain(r.URL.Query().Get("router"))
	switch {
	case !running:
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	case !found:
		w.WriteHeader(http.StatusNotFound)
	}
	answer(w, e)
}
