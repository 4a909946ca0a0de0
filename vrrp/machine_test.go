package vrrp_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	epoch    = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	vip      = netip.MustParseAddr("10.0.0.3")
	ours     = netip.MustParseAddr("10.0.0.5")
	below    = netip.MustParseAddr("10.0.0.4") // a lower address than ours
	above    = netip.MustParseAddr("10.0.0.6") // a higher one
	stranger = netip.MustParseAddr("192.0.2.3")
)

// base is a router of priority 100 with adverts every second: its Skew_Time is
// 609.375 ms, its Active_Down_Interval 3.609375 s.
func base() vrrp.Config {
	return vrrp.Config{
		VRID: 50, Version: vrrp.V3, Priority: 100, Interval: time.Second,
		Addresses: []netip.Addr{vip}, Preempt: true,
		Lifetime: 2 * time.Second, AnnounceAgain: 5 * time.Second, AnnounceEvery: 30 * time.Second,
	}
}

const (
	skew    = 609375 * time.Microsecond
	down    = 3*time.Second + skew
	window  = down / 10 // the probe's part of the silence
	probing = down - window
)

// router drives one Machine; times count from epoch.
type router struct {
	t   rapid.TB
	m   *vrrp.Machine
	cfg vrrp.Config
}

func newRouter(t rapid.TB, cfg vrrp.Config) *router {
	return &router{t: t, m: vrrp.New(cfg), cfg: cfg}
}

// inBackup returns a router that started at 0.
func inBackup(t rapid.TB, cfg vrrp.Config) *router {
	r := newRouter(t, cfg)
	r.at(0, vrrp.Startup{Address: ours})
	r.is(vrrp.Backup)
	return r
}

// inActive returns a router that became Active at 0, alone, and has its addresses.
func inActive(t rapid.TB, cfg vrrp.Config) *router {
	r := newRouter(t, cfg)
	if cfg.Priority == vrrp.PriorityOwner {
		r.at(0, vrrp.Startup{Address: ours})
	} else {
		r.at(-cfg.DownInterval(cfg.Interval), vrrp.Startup{Address: ours})
		r.at(r.m.Deadline().Sub(epoch), vrrp.Tick{})
		r.at(0, vrrp.Tick{})
	}
	r.is(vrrp.Active)
	r.at(0, vrrp.Owned{})
	return r
}

// at steps the machine and returns its actions; a note is told by its reason alone.
func (r *router) at(d time.Duration, ev vrrp.Event) []string {
	r.t.Helper()
	return words(r.m.Step(epoch.Add(d), ev))
}

func words(actions []vrrp.Action) []string {
	var out []string
	for _, a := range actions {
		if n, ok := a.(vrrp.Note); ok {
			a = vrrp.Note{Reason: n.Reason}
		}
		out = append(out, a.String())
	}
	return out
}

// wants steps the machine and compares its actions.
func (r *router) wants(d time.Duration, ev vrrp.Event, want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.at(d, ev)); diff != "" {
		r.t.Fatalf("at %s, %T %+v: actions (-want +got):\n%s", d, ev, ev, diff)
	}
}

func (r *router) is(want vrrp.State) {
	r.t.Helper()
	if got := r.m.State(); got != want {
		r.t.Fatalf("state %s, want %s", got, want)
	}
}

// due compares the next deadline.
func (r *router) due(want time.Duration) {
	r.t.Helper()
	if got := r.m.Deadline(); got.IsZero() || got.Sub(epoch) != want {
		r.t.Fatalf("deadline %s, want %s", got.Sub(epoch), want)
	}
}

// dueNever wants no timer to run.
func (r *router) dueNever() {
	r.t.Helper()
	if got := r.m.Deadline(); !got.IsZero() {
		r.t.Fatalf("deadline %s, want none", got.Sub(epoch))
	}
}

// advert is an advert of our virtual router, every second.
func advert(priority uint8, from netip.Addr) vrrp.Received {
	return advertEvery(time.Second, priority, from)
}

func advertEvery(interval time.Duration, priority uint8, from netip.Addr) vrrp.Received {
	return vrrp.Received{From: from, Advert: vrrp.Advert{
		Version: vrrp.V3, VRID: 50, Priority: priority, Interval: interval, Addresses: []netip.Addr{vip},
	}}
}

func with(change func(*vrrp.Config)) vrrp.Config {
	c := base()
	change(&c)
	return c
}

// T31: RFC 9568 6.1 scales Skew_Time with the interval, RFC 3768 6.1 does not.
func TestTimersAreThoseOfTheRFC_T31(t *testing.T) {
	for _, tc := range []struct {
		name       string
		version    vrrp.Version
		priority   uint8
		interval   time.Duration
		skew, down time.Duration
	}{
		{"v2 priority 200, 1 s", vrrp.V2, 200, time.Second, 218750 * time.Microsecond, 3218750 * time.Microsecond},
		{"v2 skew is not scaled", vrrp.V2, 200, 4 * time.Second, 218750 * time.Microsecond, 12218750 * time.Microsecond},
		{"v3 priority 200, 1 s", vrrp.V3, 200, time.Second, 218750 * time.Microsecond, 3218750 * time.Microsecond},
		{"v3 skew is scaled up", vrrp.V3, 200, 4 * time.Second, 875 * time.Millisecond, 12875 * time.Millisecond},
		{"v3 skew is scaled down", vrrp.V3, 200, 10 * time.Millisecond, 2187500 * time.Nanosecond, 32187500 * time.Nanosecond},
		{"v3 priority 1", vrrp.V3, 1, time.Second, 996093750 * time.Nanosecond, 3996093750 * time.Nanosecond},
		{"v3 priority 254", vrrp.V3, 254, time.Second, 7812500 * time.Nanosecond, 3007812500 * time.Nanosecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := with(func(c *vrrp.Config) { c.Version, c.Priority, c.Interval = tc.version, tc.priority, tc.interval })
			r := inBackup(t, cfg)
			r.due(tc.down - tc.down/10)
			r.wants(tc.down-tc.down/10, vrrp.Tick{}, "probe")
			r.due(tc.down)

			r = inBackup(t, cfg)
			release := advertEvery(tc.interval, vrrp.PriorityRelease, above)
			release.Advert.Version = tc.version
			r.at(0, release)
			w := min(tc.down/10, tc.skew)
			r.due(tc.skew - w)
			r.wants(tc.skew-w, vrrp.Tick{}, "probe")
			r.due(tc.skew)
		})
	}
}

// T31: the Backup router's timers follow the adopted interval, not its own.
func TestSkewFollowsTheAdoptedInterval_T31(t *testing.T) {
	r := inBackup(t, base())
	r.at(0, advertEvery(2*time.Second, 200, above))
	r.due(2 * probing)
	r.at(0, vrrp.Received{From: above, Advert: advert(0, above).Advert})
	r.due(2*skew - 2*window)
}

// T30: RFC 9568 6.4.1.
func TestOwnerStartsAsActive_T30(t *testing.T) {
	r := newRouter(t, with(func(c *vrrp.Config) { c.Priority = vrrp.PriorityOwner }))
	r.wants(0, vrrp.Startup{Address: ours}, "send priority 255", "own", "INIT -> ACTIVE (owner)")
	r.wants(0, vrrp.Owned{}, "announce")
}

func TestEverybodyElseStartsAsBackupAndListens_T30(t *testing.T) {
	r := newRouter(t, with(func(c *vrrp.Config) { c.Priority = 254 }))
	r.wants(0, vrrp.Startup{Address: ours}, "INIT -> BACKUP (started)")
	if r.m.Deadline().IsZero() {
		t.Fatal("no down timer runs")
	}
}

func TestStartupForgetsWhoWasHeardBefore(t *testing.T) {
	r := inBackup(t, base())
	r.at(0, advert(150, above))
	if got := r.m.Heard(); got.From != above || got.Priority != 150 || !got.At.Equal(epoch) {
		t.Fatalf("heard %+v, want priority 150 from %s at the epoch", got, above)
	}
	r.at(time.Second, vrrp.Shutdown{})
	r.at(time.Second, vrrp.Startup{Address: ours})
	if got := r.m.Heard(); got != (vrrp.Heard{}) {
		t.Fatalf("heard %+v after a new start, want nobody", got)
	}
}

// T07 and RFC 9568 6.4.2, 6.4.3: what Shutdown does in each state.
func TestShutdownReleasesOnlyWhatIsHeld_T07(t *testing.T) {
	stop := vrrp.Shutdown{Reason: "stopping"}
	fault := vrrp.Shutdown{Reason: "proxy-down", Fault: true}

	r := newRouter(t, base())
	r.wants(0, stop)
	r.is(vrrp.Initialize)

	r = inBackup(t, base())
	r.wants(0, stop, "BACKUP -> INIT (stopping)")
	r.dueNever()

	r = inActive(t, base())
	r.wants(time.Second/2, stop, "send priority 0", "disown", "ACTIVE -> INIT (stopping)")
	r.dueNever()
	r.wants(time.Second, stop)

	r = inActive(t, base())
	r.wants(time.Second/2, fault, "send priority 0", "disown", "ACTIVE -> FAULT (proxy-down)")
	r.dueNever()
	r.wants(time.Second, fault)
	r.wants(time.Second, stop, "FAULT -> INIT (stopping)")
}

// RFC 9568 6.4: nothing but Startup counts in Initialize; Fault is told, no more.
func TestInitializeIgnoresEverythingButStartup(t *testing.T) {
	for _, ev := range []vrrp.Event{
		vrrp.Shutdown{}, advert(0, above), advert(50, above), advert(200, above), advert(255, above),
		vrrp.Owned{}, vrrp.Answered{Holder: "x"}, vrrp.Claimed{By: "x"}, vrrp.Vanished{},
		vrrp.Reprioritized{Priority: 90}, vrrp.Readdressed{Address: above}, vrrp.Tick{},
	} {
		r := newRouter(t, base())
		r.wants(0, ev)
		r.is(vrrp.Initialize)
		r.dueNever()
	}
}

func TestStartupAgainChangesNothing(t *testing.T) {
	r := inBackup(t, base())
	before := *r.m
	r.wants(time.Second, vrrp.Startup{Address: above})
	if diff := cmp.Diff(before, *r.m, cmp.Exporter(everything)); diff != "" {
		t.Fatalf("machine (-before +after):\n%s", diff)
	}
	a := inActive(t, base())
	a.wants(time.Second/2, vrrp.Startup{Address: above})
	a.is(vrrp.Active)
}

func TestAnEarlyTickDoesNothing(t *testing.T) {
	for name, r := range map[string]*router{
		"backup": inBackup(t, base()),
		"active": inActive(t, base()),
	} {
		t.Run(name, func(t *testing.T) {
			before, deadline := *r.m, r.m.Deadline()
			r.wants(deadline.Sub(epoch)-1, vrrp.Tick{})
			if diff := cmp.Diff(before, *r.m, cmp.Exporter(everything)); diff != "" {
				t.Fatalf("machine (-before +after):\n%s", diff)
			}
		})
	}
}

// T16: an advert with our own source address is never another router's.
func TestOwnAdvertsDoNotCount_T16(t *testing.T) {
	r := inBackup(t, base())
	r.wants(time.Second, advert(255, ours), "note own-advert")
	r.due(probing)

	r = inActive(t, base())
	r.wants(time.Second/2, advert(255, ours), "note own-advert")
	r.is(vrrp.Active)
	if got := r.m.Heard(); got != (vrrp.Heard{}) {
		t.Fatalf("heard %+v, want nobody", got)
	}
}

func TestReaddressedMovesWhatIsOurOwn_T16(t *testing.T) {
	r := inActive(t, base())
	r.wants(time.Second/4, vrrp.Readdressed{Address: above})
	r.wants(time.Second/4, advert(255, above), "note own-advert")
	r.wants(time.Second/2, advert(100, ours), "send priority 100") // a lower router now
}

// T17, and the pair next door that chose our VRID: neither may reset the silence.
func TestForeignAddressListsDoNotCount_T17(t *testing.T) {
	none, other := advert(255, above), advert(255, above)
	none.Advert.Addresses = nil
	other.Advert.Addresses = []netip.Addr{stranger}
	for _, ev := range []vrrp.Received{none, other} {
		r := inBackup(t, base())
		r.wants(time.Second, ev, "note foreign-router")
		r.due(probing)
		r = inActive(t, base())
		r.wants(time.Second/2, ev, "note foreign-router")
		r.is(vrrp.Active)
		if got := r.m.Heard(); got != (vrrp.Heard{}) {
			t.Fatalf("heard %+v, want nobody", got)
		}
	}
}

// T19: RFC 3768 7.1 discards; who discards must say so, both will be Active.
func TestV2DiscardsAnotherIntervalAndSaysSo_T19(t *testing.T) {
	v2 := with(func(c *vrrp.Config) { c.Version = vrrp.V2 })
	for _, priority := range []uint8{0, 50, 200} {
		ev := advertEvery(2*time.Second, priority, above)
		ev.Advert.Version = vrrp.V2
		r := inBackup(t, v2)
		r.wants(time.Second, ev, "note interval-refused")
		r.due(probing)
		r = inActive(t, v2)
		r.wants(time.Second/2, ev, "note interval-refused")
		r.is(vrrp.Active)
	}
}

// T23: RFC 9568 7.1 and 6.4.2.
func TestV3AdoptsAnotherIntervalAndNotesItOnce_T23(t *testing.T) {
	r := inBackup(t, base())
	slow := advertEvery(2*time.Second, 200, above)
	r.wants(0, slow, "note interval-adopted")
	r.due(2 * probing)
	r.wants(2*time.Second, slow)
	r.due(2*time.Second + 2*probing)
	r.wants(3*time.Second, advert(200, above)) // ours again: nothing to tell
	r.due(3*time.Second + probing)
}

func TestYieldingToAnotherIntervalIsNotedOnceToo_T23(t *testing.T) {
	r := inActive(t, base())
	got := r.at(time.Second/2, advertEvery(2*time.Second, 200, above))
	if n := count(got, "note interval-adopted"); n != 1 {
		t.Fatalf("interval-adopted noted %d times in %q, want once", n, got)
	}
	r.due(time.Second/2 + 2*probing)
	r.wants(2*time.Second, advertEvery(2*time.Second, 200, above))
}

// T24: RFC 9568 7.1 leaves the list to us: it counts, and is told.
func TestAnotherAddressListCountsAndIsNoted_T24(t *testing.T) {
	for name, list := range map[string][]netip.Addr{
		"one more":  {vip, stranger},
		"one twice": {vip, vip},
	} {
		t.Run(name, func(t *testing.T) {
			ev := advert(200, above)
			ev.Advert.Addresses = list
			r := inBackup(t, base())
			r.wants(time.Second, ev, "note address-list")
			r.due(time.Second + probing)
		})
	}
	two := with(func(c *vrrp.Config) { c.Addresses = []netip.Addr{vip, stranger} })
	r := inBackup(t, two)
	r.wants(time.Second, advert(200, above), "note address-list")
	swapped := advert(200, above)
	swapped.Advert.Addresses = []netip.Addr{stranger, vip}
	r.wants(2*time.Second, swapped) // the order is no difference
}

func TestReprioritizedCountsAtOnce(t *testing.T) {
	r := inActive(t, base())
	r.wants(0, vrrp.Reprioritized{Priority: 90})
	if got := r.m.Priority(); got != 90 {
		t.Fatalf("priority %d, want 90", got)
	}
	r.wants(time.Second, vrrp.Tick{}, "send priority 90", "refresh")

	r = inActive(t, base())
	r.at(0, vrrp.Reprioritized{Priority: 90})
	r.at(time.Second/2, advert(95, below))
	r.is(vrrp.Backup)
}

// RFC 9568 6.4: every event in every state. Each row starts at the same point: half a
// second after an advert of an Active router, and 1.5 s after a Backup router began.
func TestAShorterIntervalBeginsAtOnce(t *testing.T) {
	r := inActive(t, base())
	r.wants(time.Second, vrrp.Tick{}, "send priority 100", "refresh")
	short := with(func(c *vrrp.Config) { c.Interval, c.Priority = 200*time.Millisecond, 7 })
	r.wants(1100*time.Millisecond, vrrp.Retuned{Config: short})
	r.wants(1100*time.Millisecond, vrrp.Tick{}, "send priority 100") // the priority is told by Reprioritized
	if d := r.m.Deadline().Sub(epoch); d > 1300*time.Millisecond {
		t.Errorf("the next deadline is %s", d)
	}
}

func TestEveryEventInEveryState(t *testing.T) {
	const now = 5 * time.Second / 4
	foreign := advert(200, above)
	foreign.Advert.Addresses = []netip.Addr{stranger}
	lowerAnswer := []string{"note lower-advert", "send priority 100", "announce"}

	type cell struct {
		state vrrp.State
		acts  []string
	}
	same := func(acts ...string) cell { return cell{state: 255, acts: acts} }
	for _, row := range []struct {
		name           string
		at             time.Duration
		ev             vrrp.Event
		backup, active cell
	}{
		{"startup", now, vrrp.Startup{Address: ours}, same(), same()},
		{"shutdown", now, vrrp.Shutdown{Reason: "stopping"},
			cell{vrrp.Initialize, []string{"BACKUP -> INIT (stopping)"}},
			cell{vrrp.Initialize, []string{"send priority 0", "disown", "ACTIVE -> INIT (stopping)"}}},
		{"release", now, advert(0, above), same(), same("send priority 100")},
		{"lower", now, advert(99, above), same(), same(lowerAnswer...)},
		{"equal, lower address", now, advert(100, below), same(), same(lowerAnswer...)},
		{"equal, higher address", now, advert(100, above), same(),
			cell{vrrp.Backup, []string{"disown", "send priority 100", "ACTIVE -> BACKUP (higher-address, peer 10.0.0.6)"}}},
		{"higher", now, advert(101, below), same(),
			cell{vrrp.Backup, []string{"disown", "send priority 100", "ACTIVE -> BACKUP (higher-advert, peer 10.0.0.4)"}}},
		{"owner", now, advert(255, below), same(),
			cell{vrrp.Backup, []string{"disown", "send priority 100", "ACTIVE -> BACKUP (higher-advert, peer 10.0.0.4)"}}},
		{"own", now, advert(200, ours), same("note own-advert"), same("note own-advert")},
		{"foreign", now, foreign, same("note foreign-router"), same("note foreign-router")},
		{"reprioritized", now, vrrp.Reprioritized{Priority: 7}, same(), same()},
		{"readdressed", now, vrrp.Readdressed{Address: above}, same(), same()},
		{"owned", now, vrrp.Owned{}, same(), same("announce")},
		{"answered", now, vrrp.Answered{Holder: "x"}, same(), same()},
		{"claimed", now, vrrp.Claimed{By: "x"}, same(), same("note address-claimed", "announce")},
		{"vanished", now, vrrp.Vanished{}, same(), same("note address-vanished", "own")},
		{"gate ran out, without a gate", now, vrrp.Shut{}, same(), same()},
		{"tick, early", now, vrrp.Tick{}, same(), same()},
		{"tick, advert due", 2 * time.Second, vrrp.Tick{}, same(), same("send priority 100", "refresh")},
		{"tick, probe due", probing, vrrp.Tick{}, same("probe"), same("send priority 100", "refresh")},
		{"tick, late", 2*down + 1, vrrp.Tick{}, same("note paused"),
			cell{vrrp.Backup, []string{"disown", "ACTIVE -> BACKUP (paused)"}}},
	} {
		init, fault := newRouter(t, base()), newRouter(t, base())
		fault.at(0, vrrp.Shutdown{Fault: true})
		check := func(from vrrp.State, r *router, want cell) {
			t.Run(from.String()+"/"+row.name, func(t *testing.T) {
				r.t = t
				r.wants(row.at, row.ev, want.acts...)
				if want.state == 255 {
					want.state = from
				}
				r.is(want.state)
			})
		}
		initOut, faultOut := same(), same()
		switch row.ev.(type) {
		case vrrp.Startup:
			initOut = cell{vrrp.Backup, []string{"INIT -> BACKUP (started)"}}
			faultOut = cell{vrrp.Backup, []string{"FAULT -> BACKUP (started)"}}
		case vrrp.Shutdown:
			faultOut = cell{vrrp.Initialize, []string{"FAULT -> INIT (stopping)"}}
		}
		check(vrrp.Initialize, init, initOut)
		check(vrrp.Fault, fault, faultOut)
		check(vrrp.Backup, inBackup(t, base()), row.backup)
		active := inActive(t, base())
		active.at(time.Second, vrrp.Tick{})
		check(vrrp.Active, active, row.active)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func count(list []string, want string) int {
	n := 0
	for _, s := range list {
		if s == want {
			n++
		}
	}
	return n
}
