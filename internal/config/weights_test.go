package config

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// keepalivedPriority is the rule as keepalived.conf(5) states it, with the state of each
// interface: met or not.
func keepalivedPriority(base int, tracks []track, met []bool) int {
	for i, t := range tracks {
		switch w := t.Weight; {
		case !t.Reverse && w > 0 && met[i], !t.Reverse && w < 0 && !met[i]:
			base += w
		case t.Reverse && w > 0 && met[i], t.Reverse && w < 0 && !met[i]:
			base -= w
		}
	}
	return min(max(base, 1), 254)
}

// TestAWeightIsWarnedOfExactlyIfItDecidesNothing tries every combination of interfaces on
// the holder while the other node has no trouble.
func TestAWeightIsWarnedOfExactlyIfItDecidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := weighing{
			other:  rapid.IntRange(1, 250).Draw(t, "other"),
			tracks: make([]track, rapid.IntRange(1, 5).Draw(t, "tracks")),
		}
		w.holder = rapid.IntRange(w.other+1, 254).Draw(t, "holder")
		well := make([]bool, len(w.tracks))
		for i := range w.tracks {
			weight := rapid.IntRange(1, 120).Draw(t, "weight")
			if rapid.Bool().Draw(t, "negative") {
				weight = -weight
			}
			w.tracks[i].Track = supervisor.Track{Weight: weight, Reverse: rapid.Bool().Draw(t, "reverse")}
			well[i] = !w.tracks[i].Reverse
		}
		best := keepalivedPriority(w.other, w.tracks, well)
		if sound := keepalivedPriority(w.holder, w.tracks, well) > best; sound != w.sound() {
			t.Fatalf("sound is %t, want %t", w.sound(), sound)
		} else if !sound {
			return
		}
		for i := range w.tracks {
			decides := false
			for trouble := range 1 << len(w.tracks) {
				if trouble&(1<<i) != 0 {
					continue
				}
				met := make([]bool, len(w.tracks))
				for j := range met {
					met[j] = well[j] != (trouble&(1<<j) != 0)
				}
				without := keepalivedPriority(w.holder, w.tracks, met)
				met[i] = !met[i]
				decides = decides || without >= best && keepalivedPriority(w.holder, w.tracks, met) < best
			}
			if got := w.matters(i); got != decides {
				t.Fatalf("track %d of %+v: matters is %t, want %t", i, w, got, decides)
			}
		}
	})
}

// TestTheWeightThatIsSuggestedIsTheLeastThatMoves follows the suggestion and one less.
func TestTheWeightThatIsSuggestedIsTheLeastThatMoves(t *testing.T) {
	for _, weight := range []int{-30, 30} {
		w := weighing{holder: 150, other: 100, tracks: []track{{Track: supervisor.Track{Weight: weight}}}}
		enough, ok := w.enough()
		if w.matters(0) || !ok || !w.with(0, enough) || w.with(0, enough-1) {
			t.Errorf("%d: matters %t, %d is enough: %t, one less: %t", weight, w.matters(0), enough, w.with(0, enough), w.with(0, enough-1))
		}
	}
}
