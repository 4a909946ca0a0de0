package vrrp_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// pair is two machines on one link, in virtual time.
type pair struct {
	t     rapid.TB
	now   time.Time
	hosts [2]*host
	mail  []letter // sorted by time, then by age
	delay time.Duration
	cut   bool
	mute  *host // its adverts are lost
	shy   *host // its adverts are lost until it has heard one
	deaf  bool  // nobody hears who answers ARP

	first      *host     // the first to be Active
	dual       bool      // both were Active at one time
	firstHeard time.Time // the first advert delivered since the last one was cut off
	log        []string
}

type host struct {
	m       *vrrp.Machine
	cfg     vrrp.Config
	name    string
	address netip.Addr
	startAt time.Time
	started bool

	pausedUntil time.Time
	leaseUntil  time.Time // until when the kernel holds the address
	gateUntil   time.Time // until when it lets anybody reach it
	lastSent    time.Time
	announced   time.Time
	noted       map[vrrp.Reason]int
}

type letter struct {
	at time.Time
	to *host
	ev vrrp.Event
}

// newPair returns two hosts that start at the epoch; the second has the higher address.
func newPair(t rapid.TB, a, b vrrp.Config) *pair {
	p := &pair{t: t, now: epoch, delay: time.Millisecond}
	for i, cfg := range []vrrp.Config{a, b} {
		p.hosts[i] = &host{
			m: vrrp.New(cfg), cfg: cfg, name: string(rune('a' + i)), noted: map[vrrp.Reason]int{},
			address: []netip.Addr{ours, above}[i], startAt: epoch,
		}
	}
	return p
}

func (h *host) active() bool { return h.m.State() == vrrp.Active }
func (h *host) open(now time.Time) bool {
	return h.cfg.Gate == 0 || now.Before(h.gateUntil)
}
func (h *host) holds(now time.Time) bool { return now.Before(h.leaseUntil) && h.open(now) }
func (h *host) awake(at time.Time) time.Time {
	if at.Before(h.pausedUntil) {
		return h.pausedUntil
	}
	return at
}

func (p *pair) other(h *host) *host {
	if h == p.hosts[0] {
		return p.hosts[1]
	}
	return p.hosts[0]
}

func (p *pair) onlyActive(want *host) {
	p.t.Helper()
	for _, h := range p.hosts {
		if h.active() != (h == want) {
			p.t.Fatalf("%s is %s, want only %s Active; the last steps:\n%s", h.name, h.m.State(), want.name, p.tail())
		}
	}
}

func (p *pair) tail() string {
	out := ""
	for _, l := range p.log[max(0, len(p.log)-40):] {
		out += l + "\n"
	}
	return out
}

// run lets virtual time pass. Mail comes before a tick of the same instant.
func (p *pair) run(d time.Duration) {
	end, same := p.now.Add(d), 0
	for {
		at, to, ev := p.next(end)
		if to == nil {
			break
		}
		if at.After(p.now) {
			p.now, same = at, 0
		}
		if _, tick := ev.(vrrp.Tick); tick {
			same++
		}
		if same > 100 {
			p.t.Fatalf("time stands still at %s:\n%s", p.now.Sub(epoch), p.tail())
		}
		p.step(to, ev)
	}
	p.now = end
}

// until runs until something is so.
func (p *pair) until(so func() bool) {
	p.t.Helper()
	for range 100000 {
		if so() {
			return
		}
		p.run(time.Millisecond)
	}
	p.t.Fatalf("not within 100 s; the last steps:\n%s", p.tail())
}

// next takes what happens next, if it does until the end.
func (p *pair) next(end time.Time) (at time.Time, to *host, ev vrrp.Event) {
	better := func(t time.Time) bool { return !t.After(end) && (to == nil || t.Before(at)) }
	mail := -1
	for i, l := range p.mail {
		if t := l.to.awake(l.at); better(t) {
			at, to, ev, mail = t, l.to, l.ev, i
		}
	}
	for _, h := range p.hosts {
		if !h.started {
			if better(h.startAt) {
				at, to, ev, mail = h.startAt, h, vrrp.Startup{Address: h.address}, -1
			}
			continue
		}
		if d := h.m.Deadline(); !d.IsZero() && better(h.awake(d)) {
			at, to, ev, mail = h.awake(d), h, vrrp.Tick{}, -1
		}
	}
	if mail >= 0 {
		p.mail = slices.Delete(p.mail, mail, mail+1)
	}
	return at, to, ev
}

func (p *pair) post(at time.Time, to *host, ev vrrp.Event) {
	p.mail = append(p.mail, letter{at, to, ev})
	slices.SortStableFunc(p.mail, func(a, b letter) int { return a.at.Compare(b.at) })
}

func (p *pair) step(h *host, ev vrrp.Event) {
	switch ev.(type) {
	case vrrp.Startup:
		h.started = true
	case vrrp.Received:
		if p.firstHeard.IsZero() {
			p.firstHeard = p.now
		}
		if h == p.shy {
			p.shy = nil
		}
	}
	actions := h.m.Step(p.now, ev)
	p.log = append(p.log, fmt.Sprintf("%12s %s %T %v: %v", p.now.Sub(epoch), h.name, ev, ev, actions))
	for _, a := range actions {
		p.act(h, a)
	}
	if p.first == nil && h.active() {
		p.first = h
	}
	if p.hosts[0].active() && p.hosts[1].active() {
		p.dual = true
	}
}

func (p *pair) act(h *host, a vrrp.Action) {
	peer := p.other(h)
	switch a := a.(type) {
	case vrrp.Send:
		h.lastSent = p.now
		if p.cut {
			p.firstHeard = time.Time{}
		} else if h != p.mute && h != p.shy && peer.started {
			p.post(p.now.Add(p.delay), peer, vrrp.Received{From: h.address, Advert: vrrp.Advert{
				Version: h.cfg.Version, VRID: h.cfg.VRID, Priority: a.Priority, Interval: h.cfg.Interval, Addresses: h.cfg.Addresses,
			}})
		}
	case vrrp.Own:
		h.leaseUntil, h.gateUntil = p.now.Add(h.cfg.Lifetime), p.now.Add(h.cfg.Gate)
		p.post(p.now, h, vrrp.Owned{})
	case vrrp.Renew:
		if !h.open(p.now) {
			p.post(p.now, h, vrrp.Shut{})
			return
		}
		h.gateUntil = p.now.Add(h.cfg.Gate)
	case vrrp.Refresh:
		h.leaseUntil = p.now.Add(h.cfg.Lifetime)
	case vrrp.Disown:
		h.leaseUntil, h.gateUntil = time.Time{}, time.Time{}
	case vrrp.Probe:
		if !p.cut && !p.deaf && peer.holds(p.now) {
			p.post(p.now.Add(p.delay), h, vrrp.Answered{Holder: peer.name})
		}
	case vrrp.Announce:
		h.announced = p.now
	case vrrp.Note:
		h.noted[a.Reason]++
	}
}

// configs draws routers as the configuration allows them.
func drawConfig(t *rapid.T, label string, version vrrp.Version, interval time.Duration) vrrp.Config {
	return vrrp.Config{
		VRID: 50, Version: version, Interval: interval, Addresses: []netip.Addr{vip},
		Priority:      rapid.OneOf(rapid.Uint8Range(1, 254), rapid.SampledFrom([]uint8{100, 100, 255})).Draw(t, label+" priority"),
		Preempt:       rapid.Bool().Draw(t, label+" preempt"),
		PreemptDelay:  rapid.SampledFrom([]time.Duration{0, 0, time.Second, 10 * time.Second}).Draw(t, label+" preempt delay"),
		Lifetime:      vrrp.LifetimeFor(interval),
		Gate:          rapid.SampledFrom([]time.Duration{0, vrrp.GateFor(interval, 3)}).Draw(t, label+" gate"),
		Pair:          rapid.Bool().Draw(t, label+" pair"),
		PeerPriority:  rapid.SampledFrom([]uint8{0, 1, 100, 200, 254}).Draw(t, label+" peer priority"),
		AnnounceAgain: 5 * time.Second, AnnounceEvery: 30 * time.Second,
	}
}

func drawVersion(t *rapid.T) vrrp.Version {
	return rapid.SampledFrom([]vrrp.Version{vrrp.V2, vrrp.V3}).Draw(t, "version")
}

// drawInterval is whole seconds in version 2, centiseconds in version 3.
func drawInterval(t *rapid.T, label string, v vrrp.Version) time.Duration {
	if v == vrrp.V2 {
		return time.Duration(rapid.IntRange(1, 5).Draw(t, label)) * time.Second
	}
	return time.Duration(rapid.OneOf(rapid.SampledFrom([]int{1, 20, 100}), rapid.IntRange(1, 300)).Draw(t, label)) * 10 * time.Millisecond
}

// drawEvent draws what a machine may be told at any time.
func drawEvent(t *rapid.T, cfg vrrp.Config) vrrp.Event {
	return rapid.Custom(func(t *rapid.T) vrrp.Event {
		switch rapid.IntRange(0, 19).Draw(t, "kind") {
		case 0:
			return vrrp.Startup{Address: ours}
		case 1:
			return vrrp.Shutdown{Reason: "stopping", Fault: rapid.Bool().Draw(t, "fault")}
		case 2:
			return vrrp.Reprioritized{Priority: rapid.Uint8Range(1, 255).Draw(t, "to")}
		case 3:
			return vrrp.Owned{}
		case 4, 5:
			return vrrp.Answered{Holder: "x"}
		case 6:
			return vrrp.Readdressed{Address: rapid.SampledFrom([]netip.Addr{below, ours, above}).Draw(t, "to")}
		case 7:
			return vrrp.Claimed{By: "x"}
		case 8:
			return vrrp.Vanished{}
		case 9, 10, 11, 12:
			interval := cfg.Interval
			if rapid.IntRange(0, 5).Draw(t, "other interval") == 0 {
				interval = drawInterval(t, "interval", cfg.Version)
			}
			ev := advertEvery(interval, rapid.OneOf(rapid.Uint8(), rapid.SampledFrom([]uint8{0, 100, 255})).Draw(t, "priority"),
				rapid.SampledFrom([]netip.Addr{below, ours, above}).Draw(t, "from"))
			ev.Advert.Version = cfg.Version
			ev.Advert.Addresses = rapid.SampledFrom([][]netip.Addr{{vip}, {vip}, {vip, stranger}, {stranger}}).Draw(t, "list")
			return ev
		case 13:
			return vrrp.Yield{Reason: vrrp.ReasonGroup}
		case 14:
			return vrrp.Rise{}
		case 15:
			return vrrp.Assure{Heard: epoch.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "heard")) * time.Second), Released: rapid.Bool().Draw(t, "released")}
		case 16:
			return vrrp.Shut{}
		}
		return vrrp.Tick{}
	}).Draw(t, "event")
}

// drawPause draws how long nothing happens, from nothing to a night's sleep.
func drawPause(t *rapid.T, m *vrrp.Machine, now time.Time) time.Duration {
	until := time.Duration(0)
	if d := m.Deadline(); d.After(now) {
		until = d.Sub(now)
	}
	return rapid.OneOf(
		rapid.Just(until), rapid.Just(until), rapid.Just(until),
		rapid.Just(until+time.Millisecond),
		rapid.Just(time.Duration(0)),
		rapid.Map(rapid.Int64Range(0, int64(20*time.Second)), func(n int64) time.Duration { return time.Duration(n) }),
		rapid.Just(10*time.Hour),
	).Draw(t, "pause")
}

// life drives one machine by random events and checks every step.
type life struct {
	t       *rapid.T
	m       *vrrp.Machine
	cfg     vrrp.Config
	now     time.Time
	holds   bool
	slowest time.Duration // the longest interval heard
	owned   bool          // since it became Active
	asked   bool          // Probe is out
}

func (l *life) step(ev vrrp.Event) {
	before := l.m.State()
	if ad, ok := ev.(vrrp.Received); ok {
		l.slowest = max(l.slowest, ad.Advert.Interval)
	}
	actions := l.m.Step(l.now, ev)
	after := l.m.State()
	for i, a := range actions {
		l.action(before, after, ev, a, actions[:i])
	}
	if _, ok := ev.(vrrp.Owned); ok && after == vrrp.Active {
		l.owned = true
	}
	if after != vrrp.Active {
		l.owned = false
	}
	if l.holds != (after == vrrp.Active) {
		l.t.Fatalf("%s after %T, and holds the addresses: %v (%v)", after, ev, l.holds, actions)
	}
	l.deadline()
}

func (l *life) action(before, after vrrp.State, ev vrrp.Event, a vrrp.Action, sooner []vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Send:
		switch {
		case a.Priority == vrrp.PriorityRelease && (!leaves(ev) || before != vrrp.Active):
			l.t.Fatalf("release in %s at %T", before, ev)
		case a.Priority != vrrp.PriorityRelease && before != vrrp.Active && after != vrrp.Active:
			l.t.Fatalf("advert of a router that is not Active at %T", ev)
		case a.Priority != vrrp.PriorityRelease && a.Priority != l.m.Priority():
			l.t.Fatalf("advert of priority %d, the router's is %d", a.Priority, l.m.Priority())
		}
	case vrrp.Own:
		if l.holds && ev != (vrrp.Vanished{}) && ev != (vrrp.Shut{}) {
			l.t.Fatalf("own again at %T", ev)
		}
		if after != vrrp.Active {
			l.t.Fatalf("own in %s", after)
		}
		l.holds, l.asked = true, false
	case vrrp.Disown:
		if !l.holds || before != vrrp.Active || after == vrrp.Active {
			l.t.Fatalf("disown at %T, %s -> %s", ev, before, after)
		}
		l.holds = false
	case vrrp.Refresh:
		if after != vrrp.Active {
			l.t.Fatalf("refresh in %s", after)
		}
	case vrrp.Renew:
		if after != vrrp.Active || l.cfg.Gate == 0 {
			l.t.Fatalf("renew in %s with a gate of %s", after, l.cfg.Gate)
		}
	case vrrp.Announce:
		if _, now := ev.(vrrp.Owned); after != vrrp.Active || !l.owned && !now {
			l.t.Fatalf("announce in %s at %T before Owned", after, ev)
		}
	case vrrp.Probe:
		if after != vrrp.Backup {
			l.t.Fatalf("probe in %s", after)
		}
	case vrrp.Enter:
		if a.From != before || a.To != after || a.From == a.To {
			l.t.Fatalf("told %v, was %s -> %s", a, before, after)
		}
		if after == vrrp.Active && !slices.ContainsFunc(sooner, func(a vrrp.Action) bool { return a == vrrp.Own{} }) {
			l.t.Fatalf("entered Active with %v", sooner)
		}
	}
}

// leaves tells an event that may release the addresses.
func leaves(ev vrrp.Event) bool {
	switch ev.(type) {
	case vrrp.Shutdown, vrrp.Reprioritized, vrrp.Yield:
		return true
	}
	return false
}

// deadline checks that a timer runs, and not too far ahead.
func (l *life) deadline() {
	d, state := l.m.Deadline(), l.m.State()
	if d.IsZero() != state.Out() && !l.m.Willing() {
		l.t.Fatalf("%s with deadline %v", state, d)
	}
	limit := l.cfg.Interval
	if state == vrrp.Backup {
		limit = 4*max(l.cfg.Interval, l.slowest) + time.Second
	}
	if !d.IsZero() && d.Sub(l.now) > limit {
		l.t.Fatalf("%s with a deadline %s ahead, want at most %s", state, d.Sub(l.now), limit)
	}
}

// wakes ticks at the deadline: that must get somewhere.
func (l *life) wakes() {
	for range 8 {
		d, state := l.m.Deadline(), l.m.State()
		if d.IsZero() {
			return
		}
		if d.After(l.now) {
			l.now = d
		}
		l.step(vrrp.Tick{})
		if l.m.State() != state || l.m.Deadline().After(l.now) {
			return
		}
	}
	l.t.Fatalf("%s: ticking at the deadline %s gets nowhere", l.m.State(), l.m.Deadline().Sub(epoch))
}

func TestAnyEventsAtAnyTimeKeepTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		cfg := drawConfig(t, "our", v, drawInterval(t, "our interval", v))
		l := &life{t: t, m: vrrp.New(cfg), cfg: cfg, now: epoch}
		l.step(vrrp.Startup{Address: ours})
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			l.now = l.now.Add(drawPause(t, l.m, l.now))
			l.step(drawEvent(t, cfg))
			if rapid.Bool().Draw(t, "wake") {
				l.wakes()
			}
		}
		l.wakes()
	})
}

// T62 for any event: no advert but a release after the longest down interval without one.
func TestNoAdvertFollowsAPauseInActive_T62(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := base()
		m := vrrp.New(cfg)
		r := &router{t: t, m: m, cfg: cfg}
		r.at(-down, vrrp.Startup{Address: ours})
		r.at(-window, vrrp.Tick{})
		r.at(0, vrrp.Tick{})
		r.is(vrrp.Active)
		pause := 4*time.Second + time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "pause"))
		for range 5 {
			for _, a := range m.Step(epoch.Add(pause), drawEvent(t, cfg)) {
				if s, ok := a.(vrrp.Send); ok && s.Priority != vrrp.PriorityRelease {
					t.Fatalf("%v after a pause of %s", a, pause)
				}
			}
			if m.State().Out() {
				return
			}
		}
	})
}

func TestTheSameInputsGiveTheSameOutputs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawVersion(t)
		cfg := drawConfig(t, "our", v, drawInterval(t, "our interval", v))
		first, second := vrrp.New(cfg), vrrp.New(cfg)
		now := epoch
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now = now.Add(drawPause(t, first, now))
			ev := drawEvent(t, cfg)
			one, two := first.Step(now, ev), second.Step(now, ev)
			if diff := cmp.Diff(words(one), words(two)); diff != "" {
				t.Fatalf("%T (-first +second):\n%s", ev, diff)
			}
			if !first.Deadline().Equal(second.Deadline()) {
				t.Fatalf("%T: deadlines %s and %s", ev, first.Deadline(), second.Deadline())
			}
		}
	})
}

// A copy of a Machine is a second one: nothing is shared behind its back.
func TestAMachineIsAPlainValue(t *testing.T) {
	r := inActive(t, base())
	twin := *r.m
	r.at(time.Second/2, advert(200, above))
	if twin.State() != vrrp.Active || r.m.State() != vrrp.Backup {
		t.Fatalf("the copy is %s, the original %s; want ACTIVE and BACKUP", twin.State(), r.m.State())
	}
}

// Any two routers on a lossless link end with one Active router, the right one.
func TestTwoRoutersEndWithTheRightOneActive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		p.run(p.settled())
		want := p.rightOne()
		for range 20 { // and it stays so
			p.run(time.Second)
			p.onlyActive(want)
			if !want.holds(p.now) || p.other(want).holds(p.now) {
				t.Fatalf("the addresses are not at %s alone:\n%s", want.name, p.tail())
			}
		}
	})
}

// And so they do after any of them slept or the link was cut for a while.
func TestTwoRoutersEndWithTheRightOneActiveAfterFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		p.run(p.settled())
		for range rapid.IntRange(1, 4).Draw(t, "faults") {
			length := time.Duration(rapid.Int64Range(0, int64(30*time.Second)).Draw(t, "length"))
			switch h := p.hosts[rapid.IntRange(0, 1).Draw(t, "host")]; rapid.SampledFrom([]string{"cut", "pause", "mute"}).Draw(t, "fault") {
			case "cut":
				p.cut = true
				p.run(length)
				p.cut = false
			case "mute":
				p.mute = h
				p.run(length)
				p.mute = nil
			case "pause":
				h.pausedUntil = p.now.Add(length)
				p.run(length)
			}
			p.run(time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "peace")))
		}
		p.run(p.settled())
		want, preempts := p.higher()
		if !preempts && !want.active() {
			want = p.other(want)
		}
		p.onlyActive(want)
	})
}

func drawPair(t *rapid.T) *pair {
	v := drawVersion(t)
	interval := drawInterval(t, "interval", v)
	a := drawConfig(t, "a", v, interval)
	if v == vrrp.V3 && rapid.Bool().Draw(t, "another interval") {
		interval = drawInterval(t, "b interval", v)
	}
	b := drawConfig(t, "b", v, interval)
	p := newPair(t, a, b)
	p.delay = time.Duration(rapid.Int64Range(0, int64(2*time.Millisecond)).Draw(t, "delay"))
	for _, h := range p.hosts {
		h.startAt = epoch.Add(time.Duration(rapid.Int64Range(0, int64(10*time.Second)).Draw(t, "start")))
	}
	return p
}

// settled is when everything has come to rest: the starts, both down intervals, an
// answered address, and the longest preemption delay with its adverts.
func (p *pair) settled() time.Duration {
	slow := max(p.hosts[0].cfg.Interval, p.hosts[1].cfg.Interval)
	return 10*time.Second + 3*(4*slow+time.Second) + 5*time.Second + 10*time.Second + 4*slow
}

// higher is the router that RFC 9568 6.4.3 prefers, and whether it pre-empts the other.
func (p *pair) higher() (*host, bool) {
	a, b := p.hosts[0], p.hosts[1]
	if a.cfg.Priority > b.cfg.Priority {
		a, b = b, a
	}
	if a.cfg.Priority == b.cfg.Priority {
		return p.hosts[1], false
	}
	return b, b.cfg.Preempt || b.cfg.Priority == vrrp.PriorityOwner
}

// rightOne is the higher router where it pre-empts or where both were Active at one
// time, else the one that was Active first.
func (p *pair) rightOne() *host {
	if h, preempts := p.higher(); preempts || p.dual {
		return h
	}
	return p.first
}
