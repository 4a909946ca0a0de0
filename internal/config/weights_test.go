package config

import (
	"testing"

	"pgregory.net/rapid"
)

// keepalivedPriority is the rule as keepalived.conf(5) states it, with the state of each
// interface: met or not.
func keepalivedPriority(base int, weights []weight, met []bool) int {
	for i, t := range weights {
		switch w := t.weight; {
		case !t.reverse && w > 0 && met[i], !t.reverse && w < 0 && !met[i]:
			base += w
		case t.reverse && w > 0 && met[i], t.reverse && w < 0 && !met[i]:
			base -= w
		}
	}
	return min(max(base, 1), 254)
}

// TestAWeightIsWarnedOfExactlyIfItDecidesNothing tries every combination of troubles on
// the holder while the other node has no trouble.
func TestAWeightIsWarnedOfExactlyIfItDecidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := weighing{
			lowest:  1,
			other:   rapid.IntRange(1, 250).Draw(t, "other"),
			weights: make([]weight, rapid.IntRange(1, 5).Draw(t, "weights")),
		}
		w.holder = rapid.IntRange(w.other+1, 254).Draw(t, "holder")
		well := make([]bool, len(w.weights))
		for i := range w.weights {
			n := rapid.IntRange(1, 120).Draw(t, "weight")
			if rapid.Bool().Draw(t, "negative") {
				n = -n
			}
			w.weights[i] = weight{weight: n, reverse: rapid.Bool().Draw(t, "reverse")}
			well[i] = !w.weights[i].reverse
		}
		best := keepalivedPriority(w.other, w.weights, well)
		if sound := keepalivedPriority(w.holder, w.weights, well) > best; sound != w.sound() {
			t.Fatalf("sound is %t, want %t", w.sound(), sound)
		} else if !sound {
			return
		}
		for i := range w.weights {
			decides := false
			for trouble := range 1 << len(w.weights) {
				if trouble&(1<<i) != 0 {
					continue
				}
				met := make([]bool, len(w.weights))
				for j := range met {
					met[j] = well[j] != (trouble&(1<<j) != 0)
				}
				without := keepalivedPriority(w.holder, w.weights, met)
				met[i] = !met[i]
				decides = decides || without >= best && keepalivedPriority(w.holder, w.weights, met) < best
			}
			if got := w.matters(i); got != decides {
				t.Fatalf("weight %d of %+v: matters is %t, want %t", i, w, got, decides)
			}
		}
	})
}

// TestTheWeightThatIsSuggestedIsTheLeastThatMoves follows the suggestion and one less.
func TestTheWeightThatIsSuggestedIsTheLeastThatMoves(t *testing.T) {
	for _, n := range []int{-30, 30} {
		w := weighing{holder: 150, other: 100, lowest: 1, weights: []weight{{weight: n}}}
		enough, ok := w.enough()
		if w.matters(0) || !ok || !w.with(0, enough) || w.with(0, enough-1) {
			t.Errorf("%d: matters %t, %d is enough: %t, one less: %t", n, w.matters(0), enough, w.with(0, enough), w.with(0, enough-1))
		}
	}
}
