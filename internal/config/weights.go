package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// weight is what a track or a probe does to a priority: keepalived's signed weight.
type weight struct {
	weight  int
	reverse bool
	at      value
	leave   string // what to write in its place to have the node leave
}

// loss is how much trouble takes from a priority without any.
func (w *weight) loss() int { return max(w.weight, -w.weight) }

func (t *track) asWeight() weight { return weight{t.Weight, t.Reverse, t.weightAt, "fatal: true"} }

// asWeight is that of a probe that changes the priority; without one it is 0.
func (p *probe) asWeight() weight {
	w := weight{reverse: p.OnFail.Reverse, at: p.weightAt, leave: "on_fail: leave"}
	if p.OnFail.Act == probes.Weigh && !p.HasValue() {
		w.weight = p.OnFail.Weight
	}
	return w
}

// checkWeights warns of weights that can never move the addresses of any router, whatever
// else fails at the same time. Where a file's value is added, that may be anything.
func (d *Document) checkWeights() {
	if slices.ContainsFunc(d.probes, probes.Config.HasValue) {
		return
	}
	vain := make([]string, len(d.probeWeights)) // why each probe moves nothing, of the first router
	moves := make([]bool, len(d.probeWeights))
	for i := range d.routers {
		r := &d.routers[i]
		w, tracked := d.weigh(r)
		why := d.useless(r, w)
		for i, t := range w.weights {
			text := why(i)
			switch {
			case t.weight == 0:
			case i >= tracked && text == "":
				moves[i-tracked] = true
			case i >= tracked && vain[i-tracked] == "":
				vain[i-tracked] = text
			case i < len(r.tracks) && text != "":
				t.at.warnf("can never move the addresses: %s", text)
			}
		}
	}
	for i, why := range vain {
		if why != "" && !moves[i] {
			d.probeWeights[i].at.warnf("can never move the addresses: %s", why)
		}
	}
}

// weigh is the arithmetic of a router, the weights of what is tracked before those of the
// probes.
func (d *Document) weigh(r *router) (w weighing, tracked int) {
	w.lowest = 1
	if d.keep {
		w.lowest = int(vrrp.PriorityLastResort) + 1
	}
	for _, t := range d.tracksOf(r) {
		w.weights = append(w.weights, t.asWeight())
	}
	tracked = len(w.weights)
	w.weights = append(w.weights, d.probeWeights...)
	holder := d.first(r)
	for _, n := range d.nodes {
		if n.name == holder {
			w.holder = int(r.priority[n.name])
		} else {
			w.other = int(r.priority[n.name])
		}
	}
	return w, tracked
}

// useless is what says why a weight of a router can never move its addresses; empty: it
// can, or nobody knows.
func (d *Document) useless(r *router, w weighing) func(i int) string {
	for _, n := range d.nodes {
		if r.priority[n.name] == vrrp.PriorityOwner {
			return func(i int) string {
				return fmt.Sprintf("%s has priority 255, the owner's, which no weight changes (RFC 9568 5.2.4): use %s", n.name, w.weights[i].leave)
			}
		}
	}
	switch {
	case w.holder == 0 || w.other == 0:
		return func(int) string { return "" }
	case !w.sound():
		return func(int) string {
			return "all weights together bring both nodes to 254 while all is well, and so to a tie: use penalties"
		}
	}
	return func(i int) string {
		if w.weights[i].weight == 0 || w.matters(i) {
			return ""
		}
		return w.why(i)
	}
}

// weighing is the priority arithmetic of a pair: an effective priority is the configured
// one with all weights, within lowest..254 (keepalived's rule, with 1). The node of the
// lower priority is taken to have no trouble.
type weighing struct {
	holder, other int // priorities without weights
	lowest        int
	weights       []weight
}

// best is what the weights add where there is no trouble.
func (w *weighing) best() (sum int) {
	for _, t := range w.weights {
		if (t.weight > 0) != t.reverse { // added while all is well
			sum += t.loss()
		}
	}
	return sum
}

func (w *weighing) effective(priority int) int { return min(max(priority, w.lowest), 254) }

// target is what the other node's priority is.
func (w *weighing) target() int { return w.effective(w.other + w.best()) }

// sound tells whether the holder holds while there is no trouble anywhere.
func (w *weighing) sound() bool { return w.effective(w.holder+w.best()) > w.target() }

// enough is the least loss that moves the addresses; whatever is lost, the priority is
// lowest at the least.
func (w *weighing) enough() (loss int, ok bool) {
	return w.holder + w.best() - w.target() + 1, w.target() > w.lowest
}

// matters tells whether a weight decides in some case: with what others lose the
// addresses stay, with its own loss as well they move.
func (w *weighing) matters(i int) bool {
	enough, ok := w.enough()
	if !ok {
		return false
	}
	possible := make([]bool, enough) // losses of others with which the addresses stay
	possible[0] = true
	for j, t := range w.weights {
		if j == i || t.weight == 0 {
			continue
		}
		for sum := enough - 1; sum >= t.loss(); sum-- {
			possible[sum] = possible[sum] || possible[sum-t.loss()]
		}
	}
	return slices.Contains(possible[max(0, enough-w.weights[i].loss()):], true)
}

// why says what is too little about a weight, and how much would be enough.
func (w *weighing) why(i int) string {
	t, from := w.weights[i], w.holder+w.best()
	left := from - t.loss()
	text := fmt.Sprintf("%d-%d=%d is still above %d", from, t.loss(), left, w.target())
	if left <= w.target() {
		text = fmt.Sprintf("%d-%d=%d, which is not below %d", from, t.loss(), max(left, w.lowest), w.target())
	}
	if enough, ok := w.enough(); ok && w.with(i, enough) {
		switch {
		case strings.HasSuffix(t.at.path, ".penalty"):
			return fmt.Sprintf("%s: use penalty: %d or more, or %s", text, enough, t.leave)
		case t.weight < 0:
			return fmt.Sprintf("%s: use weight: -%d or less, or %s", text, enough, t.leave)
		}
		return fmt.Sprintf("%s: use weight: %d or more, or %s", text, enough, t.leave)
	}
	return text + ": use " + t.leave
}

// with tells whether a weight moves the addresses by itself if its loss is another one.
func (w *weighing) with(i, loss int) bool {
	if loss > maxWeight {
		return false
	}
	o := *w
	o.weights = slices.Clone(w.weights)
	if o.weights[i].weight < 0 {
		loss = -loss
	}
	o.weights[i].weight = loss
	enough, ok := o.enough()
	return ok && o.sound() && o.weights[i].loss() >= enough
}
