package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// checkWeights warns of weights that can never move the addresses, whatever else fails at
// the same time.
func (d *Document) checkWeights(r *router) {
	for _, n := range d.nodes {
		if r.priority[n.name] == vrrp.PriorityOwner && r.weighted() > 0 {
			r.fields.keys["track"].warnf("has weights, but %s has priority 255, the owner's, which no weight changes (RFC 9568 5.2.4): use fatal: true", n.name)
			return
		}
	}
	holder := d.first(r)
	if holder == "" {
		return
	}
	w := weighing{holder: int(r.priority[holder]), tracks: d.tracksOf(r)}
	for _, n := range d.nodes {
		if n.name != holder {
			w.other = int(r.priority[n.name])
		}
	}
	if w.other == 0 || r.weighted() == 0 {
		return
	}
	if !w.sound() {
		r.fields.keys["track"].warnf("has weights that bring both nodes to 254 while all is well, and so to a tie: use penalties")
		return
	}
	for i, t := range r.tracks {
		if t.Weight != 0 && !w.matters(i) {
			t.weightAt.warnf("can never move the addresses: %s", w.why(i))
		}
	}
}

// weighted is the number of tracks with a weight.
func (r *router) weighted() (n int) {
	for _, t := range r.tracks {
		if t.Weight != 0 {
			n++
		}
	}
	return n
}

// weighing is the priority arithmetic of a pair: an effective priority is the configured
// one with all weights, within 1..254 (keepalived's rule). The node of the lower priority
// is taken to have no trouble.
type weighing struct {
	holder, other int // priorities without weights
	tracks        []track
}

// loss is how much a track in trouble takes from a priority without any.
func (t *track) loss() int { return max(t.Weight, -t.Weight) }

// best is what the weights add where there is no trouble.
func (w *weighing) best() (sum int) {
	for _, t := range w.tracks {
		if (t.Weight > 0) != t.Reverse { // added while all is well
			sum += t.loss()
		}
	}
	return sum
}

func effective(priority int) int { return min(max(priority, 1), 254) }

// target is what the other node's priority is.
func (w *weighing) target() int { return effective(w.other + w.best()) }

// sound tells whether the holder holds while there is no trouble anywhere.
func (w *weighing) sound() bool { return effective(w.holder+w.best()) > w.target() }

// enough is the least loss that moves the addresses; whatever is lost, the priority is 1
// at the least.
func (w *weighing) enough() (loss int, ok bool) {
	return w.holder + w.best() - w.target() + 1, w.target() > 1
}

// matters tells whether a track decides in some case: with what other tracks lose the
// addresses stay, with its own loss as well they move.
func (w *weighing) matters(i int) bool {
	enough, ok := w.enough()
	if !ok {
		return false
	}
	possible := make([]bool, enough) // losses of others with which the addresses stay
	possible[0] = true
	for j, t := range w.tracks {
		if j == i || t.Weight == 0 {
			continue
		}
		for sum := enough - 1; sum >= t.loss(); sum-- {
			possible[sum] = possible[sum] || possible[sum-t.loss()]
		}
	}
	return slices.Contains(possible[max(0, enough-w.tracks[i].loss()):], true)
}

// why says what is too little about a weight, and how much would be enough.
func (w *weighing) why(i int) string {
	t, from := w.tracks[i], w.holder+w.best()
	left := from - t.loss()
	text := fmt.Sprintf("%d-%d=%d is still above %d", from, t.loss(), left, w.target())
	if left <= w.target() {
		text = fmt.Sprintf("%d-%d=%d, which is not below %d", from, t.loss(), max(left, 1), w.target())
	}
	if enough, ok := w.enough(); ok && w.with(i, enough) {
		switch {
		case strings.HasSuffix(t.weightAt.path, ".penalty"):
			return fmt.Sprintf("%s: use penalty: %d or more, or fatal: true", text, enough)
		case t.Weight < 0:
			return fmt.Sprintf("%s: use weight: -%d or less, or fatal: true", text, enough)
		}
		return fmt.Sprintf("%s: use weight: %d or more, or fatal: true", text, enough)
	}
	return text + ": use fatal: true"
}

// with tells whether a track moves the addresses by itself if its loss is another one.
func (w *weighing) with(i, loss int) bool {
	if loss > maxWeight {
		return false
	}
	o := weighing{holder: w.holder, other: w.other, tracks: slices.Clone(w.tracks)}
	if o.tracks[i].Weight < 0 {
		loss = -loss
	}
	o.tracks[i].Weight = loss
	enough, ok := o.enough()
	return ok && o.sound() && o.tracks[i].loss() >= enough
}
