package vrrp_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// gated is base with the gate of 1 s adverts.
func gated() vrrp.Config { return with(func(c *vrrp.Config) { c.Gate = vrrp.GateFor(c.Interval, 3) }) }

func TestGateIsShutBeforeAPeerLosesItsPatience(t *testing.T) {
	for _, c := range []struct {
		interval time.Duration
		missing  int
		want     time.Duration
	}{
		{10 * time.Millisecond, 3, 100 * time.Millisecond},
		{50 * time.Millisecond, 3, 100 * time.Millisecond},
		{100 * time.Millisecond, 3, 200 * time.Millisecond},
		{200 * time.Millisecond, 3, 400 * time.Millisecond},
		{200 * time.Millisecond, 2, 200 * time.Millisecond},
		{200 * time.Millisecond, 5, 600 * time.Millisecond},
		{time.Second, 3, 600 * time.Millisecond},
		{time.Hour, 100, 600 * time.Millisecond},
		{10 * time.Millisecond, 1, 100 * time.Millisecond},
	} {
		if got := vrrp.GateFor(c.interval, c.missing); got != c.want {
			t.Errorf("%d adverts of %s: %s, want %s", c.missing, c.interval, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.IntRange(1, 4095).Draw(t, "interval")) * 10 * time.Millisecond
		missing := rapid.IntRange(2, 100).Draw(t, "missing")
		gate := vrrp.GateFor(interval, missing)
		// The last advert may have left a whole interval before the last renewal.
		if patience := time.Duration(missing) * interval; gate > 100*time.Millisecond && interval+gate > patience {
			t.Errorf("a gate of %s after an advert every %s, the other one waits %s", gate, interval, patience)
		}
	})
}

func TestActiveRenewsTheGateThreeTimesInItsTime(t *testing.T) {
	r := inActive(t, gated())
	third := 200 * time.Millisecond
	last := time.Duration(0)
	for last < 10*time.Second {
		d := r.m.Deadline().Sub(epoch)
		if count(r.at(d, vrrp.Tick{}), "renew") == 0 {
			continue
		}
		if d-last > third || d%third != 0 {
			t.Fatalf("renewed at %s and then at %s, want every %s", last, d, third)
		}
		last = d
	}
	r = inActive(t, base())
	for range 100 {
		if got := r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{}); count(got, "renew") > 0 {
			t.Fatalf("without a gate: %q", got)
		}
	}
}

// What others may have taken by now is not opened again.
func TestAGateThatRanOutIsOpenedAgainUnlessTheRouterSlept(t *testing.T) {
	r := inActive(t, gated())
	r.at(1900*time.Millisecond, vrrp.Tick{})
	r.wants(1901*time.Millisecond, vrrp.Shut{}, "note gate-shut", "own")
	r.wants(1902*time.Millisecond, vrrp.Shut{}) // it is being done
	r.wants(1903*time.Millisecond, vrrp.Owned{}, "announce")
	r.wants(1904*time.Millisecond, vrrp.Shut{}, "note gate-shut", "own")
	r.is(vrrp.Active)

	r = inActive(t, gated())
	r.wants(down+time.Millisecond, vrrp.Shut{}, "disown", "ACTIVE -> BACKUP (paused)")
	r.wants(down+2*time.Millisecond, vrrp.Shut{}) // came late
}

// The configuration may bring a gate, or take it away, while the addresses are held.
func TestAGateThatComesOrGoesIsSettledWithTheAddresses(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after vrrp.Config
		renewed       bool
	}{
		{"comes", base(), gated(), true},
		{"goes", gated(), base(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := inActive(t, c.before)
			now := 50 * time.Millisecond
			r.wants(now, vrrp.Retuned{Config: c.after})
			r.due(now)
			r.wants(now, vrrp.Tick{}, "own")
			r.wants(now, vrrp.Tick{})
			renewed := false
			for d := r.m.Deadline(); d.Before(epoch.Add(2 * time.Second)); d = r.m.Deadline() {
				renewed = count(r.at(d.Sub(epoch), vrrp.Tick{}), "renew") > 0 || renewed
			}
			if renewed != c.renewed {
				t.Errorf("renewed: %t", renewed)
			}
		})
	}
	r := inBackup(t, base())
	before := r.m.Deadline()
	r.wants(0, vrrp.Retuned{Config: gated()})
	if !r.m.Deadline().Equal(before) {
		t.Error("a Backup has something to do with its gate")
	}
}

// Nobody is answered by both hosts while the holder's daemon does not run, even where
// nobody hears the answers: the times alone see to that.
func TestAHolderThatDoesNotRunIsShutBeforeTheOtherTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		for _, h := range p.hosts {
			if h.cfg.Interval != p.hosts[0].cfg.Interval || h.cfg.Interval < 50*time.Millisecond || h.cfg.Priority == vrrp.PriorityOwner {
				t.SkipNow()
			}
			h.cfg.Gate = vrrp.GateFor(h.cfg.Interval, 3)
			h.m = vrrp.New(h.cfg)
		}
		p.deaf = rapid.Bool().Draw(t, "nobody hears ARP")
		p.run(p.settled())
		holder, other := p.hosts[0], p.hosts[1]
		if other.active() {
			holder, other = other, holder
		}
		p.run(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "peace")))
		pause := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "pause"))
		holder.pausedUntil = p.now.Add(pause)
		for p.now.Before(holder.pausedUntil.Add(-time.Millisecond)) {
			p.run(time.Millisecond)
			if holder.holds(p.now) && other.holds(p.now) {
				t.Fatalf("both answer, %s before the pause of %s ends:\n%s", holder.pausedUntil.Sub(p.now), pause, p.tail())
			}
		}
	})
}
