package sim

import "testing"

// TestFaultsAreOfOneDirection: what happens to the ways between the hosts concerns what it names, and can be
// undone, in both directions and for each by itself.
func TestFaultsAreOfOneDirection(t *testing.T) {
	pair := DefaultPair()
	pair.Heartbeat = pair.Interval
	pair.Links = 2
	type ways struct{ adverts, answers, first, second bool }
	all := ways{true, true, true, true}
	for _, c := range []struct {
		what, back string
		out, in    ways // from lb01 to lb02, and the other way round
	}{
		{"cable cut", "cable back", ways{first: true, second: true}, ways{first: true, second: true}},
		{"isolated out", "cable back", ways{first: true, second: true}, all},
		{"isolated in", "cable back eth0", all, ways{first: true, second: true}},
		{"heartbeat cut", "heartbeat back", ways{adverts: true, answers: true}, ways{adverts: true, answers: true}},
		{"heartbeat 2 cut out", "heartbeat 2 back out", ways{true, true, true, false}, all},
		{"heartbeat 1 cut in", "heartbeat back", all, ways{true, true, false, true}},
		{"peer cut", "peer back", ways{}, ways{}},
		{"peer cut out", "peer back out", ways{}, all},
		{"peer cut in", "peer back", all, ways{}},
		{"loss 100 out", "loss 0", ways{}, all},
		{"loss 100", "loss 0", ways{}, ways{}},
		{"vrrp blocked", "vrrp passes", all, ways{false, true, true, true}},
		{"vrrp blocked out", "vrrp passes", ways{false, true, true, true}, all},
	} {
		w := New(1, pair.Node("lb01"), pair.Node("lb02"))
		a, b := w.hosts[0], w.hosts[1]
		a.powered, b.powered = true, true
		look := func(from, to *host) ways {
			wire := w.frame(from, to, "eth0") && !w.lost(from, to)
			beats := func(i int) bool { return w.beats(from, to, i) && !w.lost(from, to) }
			return ways{adverts: wire && !from.mute && !to.deaf, answers: wire, first: beats(0), second: beats(1)}
		}
		w.must(a, c.what)
		if out, in := look(a, b), look(b, a); out != c.out || in != c.in {
			t.Errorf("%s: out %+v, in %+v", c.what, out, in)
		}
		w.must(a, c.back)
		if out, in := look(a, b), look(b, a); out != all || in != all {
			t.Errorf("%s after %s: out %+v, in %+v", c.back, c.what, out, in)
		}
	}
}

// TestAFaultThatDoesNotExistIsAnError of the story.
func TestAFaultThatDoesNotExistIsAnError(t *testing.T) {
	w := New(1, DefaultPair().Node("lb01"), DefaultPair().Node("lb02"))
	for _, what := range []string{"", "cable", "cable cut eth9", "cable gone eth0", "isolated eth9", "heartbeat in", "heartbeat 1 cut", "heartbeat bent", "peer", "peer in", "loss", "loss 101", "loss -1", "vrrp blocked up", "probe fails", "probe none fails"} {
		if w.Happen("lb01", what) == nil {
			t.Errorf("%q is taken for a fault", what)
		}
	}
	if w.Happen("lb03", "power on") == nil {
		t.Error("lb03 is taken for a node")
	}
}
