package probes

import "testing"

func TestWeightsAreKeepaliveds(t *testing.T) {
	for _, c := range []struct {
		name         string
		o            OnFail
		good, failed int
	}{
		{"positive", OnFail{Act: Weigh, Weight: 30}, 30, 0},
		{"negative", OnFail{Act: Weigh, Weight: -30}, 0, -30},
		{"positive reverse", OnFail{Act: Weigh, Weight: 30, Reverse: true}, -30, 0},
		{"negative reverse", OnFail{Act: Weigh, Weight: -30, Reverse: true}, 0, 30},
		{"none", OnFail{Act: Fatal}, 0, 0},
	} {
		if good, failed := c.o.Offset(true), c.o.Offset(false); good != c.good || failed != c.failed {
			t.Errorf("%s: %d while good and %d while failed, want %d and %d", c.name, good, failed, c.good, c.failed)
		}
	}
}

func TestAFatalProbeTakesTheNodeOut(t *testing.T) {
	for _, c := range []struct {
		o            OnFail
		good, failed bool
	}{
		{OnFail{Act: Fatal}, false, true},
		{OnFail{Act: Fatal, Reverse: true}, true, false},
		{OnFail{Act: Guard}, false, false},
		{OnFail{Act: Weigh, Weight: -253}, false, false},
	} {
		if good, failed := c.o.Out(true), c.o.Out(false); good != c.good || failed != c.failed {
			t.Errorf("%+v: %v while good and %v while failed", c.o, good, failed)
		}
	}
}

func TestValuesAreKeepaliveds(t *testing.T) {
	for _, c := range []struct {
		o      OnFail
		value  int
		offset int
		out    bool
	}{
		{OnFail{Act: Weigh, Weight: 1}, 20, 20, false},
		{OnFail{Act: Weigh, Weight: -2}, 20, -40, false},
		{OnFail{Act: Weigh, Weight: 2, Reverse: true}, 20, -40, false},
		{OnFail{Act: Weigh, Weight: 1}, 1000, 253, false},
		{OnFail{Act: Weigh, Weight: 1}, -253, -253, false},
		{OnFail{Act: Weigh, Weight: 1}, -254, -254, true},
		{OnFail{Act: Weigh, Weight: -1}, 300, -254, true},
		{OnFail{Act: Weigh, Weight: 253}, -1 << 62, -254, true},
	} {
		if offset, out := c.o.OffsetOf(c.value); offset != c.offset || out != c.out {
			t.Errorf("%+v of %d: %d, %v", c.o, c.value, offset, out)
		}
	}
}
