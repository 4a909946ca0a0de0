package vrrp_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// bridged leaves with the addresses open, and returns what is told to the others and wanted of
// the kernel.
func bridged(t *testing.T, cfg vrrp.Config, long time.Duration) (sends []vrrp.Send, linger time.Duration) {
	t.Helper()
	m := vrrp.New(cfg)
	m.Step(epoch, vrrp.Startup{Resume: true})
	for _, a := range m.Step(epoch.Add(cfg.Interval/2), vrrp.Bridge{For: long}) {
		switch a := a.(type) {
		case vrrp.Send:
			sends = append(sends, a)
		case vrrp.Linger:
			linger = a.For
		case vrrp.Disown:
			t.Error("the addresses are taken away")
		case vrrp.Enter:
			if a.To != vrrp.Initialize || a.Reason != vrrp.ReasonRestarts {
				t.Errorf("%s", a)
			}
		}
	}
	return sends, linger
}

// Nobody takes over while the kernel of the one that left still answers.
func TestABridgeEndsBeforeAPeerLosesItsPatience(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := gated()
		cfg.Interval = time.Duration(rapid.IntRange(1, 1000).Draw(rt, "interval")) * 10 * time.Millisecond
		cfg.DownAdverts = rapid.SampledFrom([]int{0, 2, 3, 5}).Draw(rt, "down adverts")
		if rapid.Bool().Draw(rt, "without a gate") {
			cfg.Gate = 0
		}
		want := time.Duration(rapid.IntRange(1, 200_000).Draw(rt, "window")) * time.Millisecond
		long := cfg.BridgeFor(want, true)
		if long > want {
			rt.Fatalf("%s, want no more than %s", long, want)
		}
		m := vrrp.New(cfg)
		m.Step(epoch, vrrp.Startup{Resume: true})
		var sent vrrp.Send
		for _, a := range m.Step(epoch, vrrp.Bridge{For: long}) {
			if s, ok := a.(vrrp.Send); ok {
				sent = s
			}
		}
		ends := long
		if cfg.Gate == 0 {
			ends = cfg.BridgeLifetime(long) + 250*time.Millisecond // check_lifetime's own delay
		}
		if patience := cfg.Silence(sent.Interval); ends > max(patience, 1250*time.Millisecond) {
			rt.Errorf("open for %s, a peer that hears %s waits %s", ends, sent, patience)
		}
		if sent.Interval%(10*time.Millisecond) != 0 || sent.Interval > 40950*time.Millisecond && sent.Interval > cfg.Interval {
			rt.Errorf("an advert cannot tell %s", sent.Interval)
		}
	})
}

func TestABridgeIsToldThreeTimes(t *testing.T) {
	sends, linger := bridged(t, gated(), 3*time.Second)
	if len(sends) != 3 || sends[0].Interval != time.Second || sends[0].Priority != 100 || linger != 3*time.Second {
		t.Errorf("%v, linger for %s", sends, linger)
	}
}

// An advert of version 2 tells the interval that both have; another one is refused.
func TestABridgeOfVersion2IsNoLongerThanThePatience(t *testing.T) {
	cfg := gated()
	cfg.Version = vrrp.V2
	if got := cfg.BridgeFor(5*time.Second, false); got != 3*time.Second {
		t.Errorf("%s, want 3s", got)
	}
	if got := cfg.BridgeFor(5*time.Second, true); got != 5*time.Second {
		t.Errorf("informed: %s, want 5s", got)
	}
	if sends, _ := bridged(t, cfg, 3*time.Second); sends[0].Interval != 0 {
		t.Errorf("%v", sends)
	}
}

func TestWhoStoodStillLeavesNoBridge(t *testing.T) {
	r := inActive(t, gated())
	if out := r.m.Step(epoch.Add(time.Hour), vrrp.Bridge{For: 3 * time.Second}); len(out) != 0 || r.m.State() != vrrp.Active {
		t.Errorf("%v, %s", out, r.m.State())
	}
}

func TestWhoResumesIsActiveAtOnce(t *testing.T) {
	m := vrrp.New(gated())
	var own, sent bool
	for _, a := range m.Step(epoch, vrrp.Startup{Resume: true}) {
		own = own || a == vrrp.Own{}
		_, send := a.(vrrp.Send)
		sent = sent || send
	}
	if !own || !sent || m.State() != vrrp.Active {
		t.Errorf("%s, own %t, advert %t", m.State(), own, sent)
	}
}
