package supervisor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// fenced is a node with a fence, which takes nothing before it has worked.
func fenced(change ...func(*supervisor.Config)) supervisor.Config {
	cfg := linked(better(base()))
	cfg.Fence = supervisor.Fence{
		After: true, Shot: fencing.ShotConfig{Armed: true, Retries: 1}, Timeout: 20 * time.Second,
		Agents: []fencing.Agent{{Program: "/usr/sbin/fence_virsh"}},
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func comesSecond(cfg *supervisor.Config) { cfg.Fence.Shot.Delay = 5 * time.Second }
func without(cfg *supervisor.Config)     { cfg.Fence.After = false }

var (
	hit     = supervisor.ShotDone{Serial: 1, By: "/usr/sbin/fence_virsh"}
	refused = "/usr/sbin/fence_virsh: exit 1: Unable to connect/login to fencing device"
)

func missed(serial uint64) supervisor.Event {
	return supervisor.ShotDone{Serial: serial, Problem: refused}
}

// deserted is a node that heard a holder, which fell silent, and has found that nobody
// answers; and what it did.
func deserted(t *testing.T, cfg supervisor.Config) (*script, []string) {
	return desertedBy(t, fencing.Holds, cfg)
}

func desertedBy(t *testing.T, role fencing.Role, cfg supervisor.Config) (*script, []string) {
	s := atWork(t, cfg)
	s.beats(newOther(role, 150), 900*time.Millisecond)
	return s, s.silence()
}

// silence passes until the other node is out of mind.
func (s *script) silence() []string {
	s.Helper()
	got := s.pass(time.Second)
	got = append(got, s.tell(supervisor.Looked{Probe: "gateway", OK: true})...)
	return append(got, s.pass(time.Second)...)
}

func shots(got []string) (n int) {
	for _, a := range got {
		if a == "shoot" {
			n++
		}
	}
	return n
}

func (s *script) fence(want fencing.Fence) {
	s.Helper()
	if got := s.node.View(s.now).Fence; got.State != want {
		s.Fatalf("the fence is %s, want %s: %+v", got.State, want, got)
	}
}

func TestNothingIsTakenBeforeTheFence(t *testing.T) {
	s, got := deserted(t, fenced())
	if shots(got) != 1 || !slices.Contains(got, "note fence-shot") {
		t.Fatalf("%q", got)
	}
	s.wantsNo(got, "web own")
	s.wantsNo(s.pass(19*time.Second), "web own")
	s.fence(fencing.Pending)
	if got := s.tell(hit); !has(got, "note fence-done") || !has(got, "web BACKUP -> ACTIVE") {
		t.Fatalf("%q", got)
	}
	s.fence(fencing.Fenced)
}

func TestAFenceThatFailsLeavesTheAddresses(t *testing.T) {
	s, _ := deserted(t, fenced())
	if got := s.tell(missed(1)); !has(got, "note fence-shot-failed") || shots(got) > 0 {
		t.Fatalf("%q", got)
	}
	if got := s.pass(time.Second); shots(got) != 1 {
		t.Fatalf("no second shot: %q", got)
	}
	got := append(s.tell(missed(2)), s.pass(5*time.Minute)...)
	if shots(got) > 0 || !has(got, "web note fence-failed") {
		t.Fatalf("%q", got)
	}
	s.state("web", vrrp.Backup)
	s.fence(fencing.Failed)
	if got := s.pass(5 * time.Minute); shots(got) != 1 {
		t.Fatalf("it is not tried again: %q", got)
	}
	s.state("web", vrrp.Backup)
	s.tell(supervisor.ShotDone{Serial: 3, By: "/usr/sbin/fence_virsh"})
	s.state("web", vrrp.Active)
}

func TestANodeThatWasNeverHeardIsNotFenced(t *testing.T) {
	s := atWork(t, fenced())
	got := append(s.silence(), s.pass(time.Hour)...)
	if shots(got) > 0 || !has(got, "web note peer-never-heard") {
		t.Fatalf("%q", got)
	}
	s.state("web", vrrp.Backup)
	if got := s.tell(supervisor.FenceConfirmed{}); !has(got, "note fence-confirmed") {
		t.Fatalf("%q", got)
	}
	s.state("web", vrrp.Active)
}

func TestAnOperatorIsNotBelievedAgainstTheOtherNodesWord(t *testing.T) {
	s := atWork(t, fenced())
	s.beats(newOther(fencing.Holds, 150), 3*time.Second)
	if why := s.node.MayConfirm(s.now); why != "lb02 is heard: it is not off" {
		t.Error(why)
	}
	s.tell(supervisor.FenceConfirmed{})
	s.fence(fencing.Armed)
	s.silence()
	if why := s.node.MayConfirm(s.now); why != "a shot at lb02 is under way: wait for what becomes of it" {
		t.Error(why)
	}
	plain := atWork(t, linked(base()))
	if why := plain.node.MayConfirm(plain.now); why == "" {
		t.Error("without a fence")
	}
}

func TestTheSecondNodeShootsLater(t *testing.T) {
	s, got := desertedBy(t, fencing.Standby, fenced(comesSecond))
	if got = append(got, s.pass(3*time.Second)...); shots(got) > 0 {
		t.Fatalf("%q", got)
	}
	if got := s.pass(5 * time.Second); shots(got) != 1 {
		t.Fatalf("%q", got)
	}
}

func TestTheSecondNodeShootsAHolderAtOnce(t *testing.T) {
	if _, got := deserted(t, fenced(comesSecond)); shots(got) != 1 {
		t.Fatalf("%q", got)
	}
}

func TestAnIsolatedNodeShootsNobody(t *testing.T) {
	s, _ := desertedBy(t, fencing.Standby, fenced(comesSecond))
	for range 3 {
		s.tell(supervisor.Looked{Probe: "gateway"})
	}
	if got := s.pass(time.Hour); shots(got) > 0 {
		t.Fatalf("%q", got)
	}
}

func TestANodeThatAnswersForTheAddressIsNotShot(t *testing.T) {
	s := atWork(t, fenced())
	s.beats(newOther(fencing.Holds, 150), 3*time.Second)
	for range 100 {
		s.now = later(s.now, s.node.Deadline())
		got := s.tell(supervisor.Tick{}, supervisor.RouterEvent{Router: "web", Event: vrrp.Answered{Holder: "lb02"}}, supervisor.Looked{Probe: "gateway", OK: true})
		if shots(got) > 0 {
			t.Fatalf("%q", got)
		}
	}
}

func TestANodeThatIsHeardOverAnotherRouterIsNotShot(t *testing.T) {
	cfg := fenced(func(c *supervisor.Config) {
		mail := c.Routers[0]
		mail.Name, mail.VRRP.VRID = "mail", 51
		c.Routers = append(c.Routers, mail)
	})
	s := atWork(t, cfg)
	s.beats(newOther(fencing.Holds, 150), 3*time.Second)
	for range 20 {
		if got := append(s.tell(advertTo(cfg, "mail", 150), supervisor.Looked{Probe: "gateway", OK: true}), s.pass(200*time.Millisecond)...); shots(got) > 0 {
			t.Fatalf("%q", got)
		}
	}
	got := s.silence()
	if got = append(got, s.pass(2*time.Second)...); shots(got) != 1 {
		t.Errorf("%d shots when that ends: %q", shots(got), got)
	}
}

func TestWithoutWaitingItIsFencedAndTakenFromAtOnce(t *testing.T) {
	s, got := deserted(t, fenced(without))
	if shots(got) != 1 || !has(got, "web own") {
		t.Fatalf("%q", got)
	}
	s.tell(missed(1))
	if got := s.pass(2 * time.Second); shots(got) != 1 {
		t.Errorf("no second shot: %q", got)
	}
	s.state("web", vrrp.Active)

	late, got := desertedBy(t, fencing.Standby, fenced(without, comesSecond))
	if shots(got) > 0 || !has(got, "web own") {
		t.Fatalf("%q", got)
	}
	if got := late.pass(5 * time.Second); shots(got) != 1 {
		t.Errorf("the second node does not shoot: %q", got)
	}
}

func TestWhoIsHeardAgainIsFencedAgain(t *testing.T) {
	s, _ := deserted(t, fenced())
	s.tell(hit)
	again := newOther(fencing.Holds, 200)
	again.pulse = fencing.NewPulse(fencing.PulseConfig{Node: "lb02", Peer: "lb01", Links: 1, Interval: 200 * time.Millisecond, Patience: 625 * time.Millisecond}, 3)
	s.beats(again, 3*time.Second)
	s.fence(fencing.Armed)
	s.state("web", vrrp.Backup)
	if got := s.silence(); shots(got) != 1 {
		t.Fatalf("%q", got)
	}
}

func TestABrokenFenceIsNotedOnce(t *testing.T) {
	s := atWork(t, fenced())
	s.wants(s.tell(supervisor.FenceLooked{}), "note fence-works")
	s.wants(s.tell(supervisor.FenceLooked{}))
	s.wants(s.tell(supervisor.FenceLooked{Problem: refused}), "note fence-broken")
	s.wants(s.tell(supervisor.FenceLooked{Problem: refused}))
	if v := s.node.View(s.now).Fence; v.Broken != refused || v.LookedAt != s.now {
		t.Errorf("%+v", v)
	}
	s.wants(s.tell(supervisor.FenceLooked{}), "note fence-works")
}

// fenceScenes are those of a Backup that waits for the fence.
var fenceScenes = []scene{
	{"backup-waits-for-the-fence", func(t *testing.T) *script { s, _ := deserted(t, fenced()); s.pass(2 * time.Second); return s }},
	{"backup-shoots-second", func(t *testing.T) *script { s, _ := desertedBy(t, fencing.Standby, fenced(comesSecond)); return s }},
	{"backup-could-not-fence", func(t *testing.T) *script {
		s, _ := deserted(t, fenced())
		s.tell(missed(1))
		s.pass(2 * time.Second)
		s.tell(missed(2))
		s.pass(3 * time.Minute)
		s.tell(supervisor.FenceLooked{Problem: refused})
		return s
	}},
	{"backup-never-heard-the-other", func(t *testing.T) *script { s := atWork(t, fenced()); s.silence(); return s }},
	{"active-after-a-fence", func(t *testing.T) *script { s, _ := deserted(t, fenced()); s.tell(hit); s.pass(time.Minute); return s }},
}
