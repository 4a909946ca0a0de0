package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// both is a configuration with an IPv4 and an IPv6 address that move together.
func both(more ...string) string {
	return twoNodes + router("four", 50, "10.0.0.3/24", append([]string{"group: web"}, more...)...) + router("six", 50, "'2001:db8::3/64'", "group: web")
}

// startPair starts two daemons at once.
func startPair(t *testing.T, lab *netlab.Lab, conf string) (a, b *node) {
	t.Helper()
	x, y := lab.Host("lb01", "10.0.0.1/24", "2001:db8::1/64"), lab.Host("lb02", "10.0.0.2/24", "2001:db8::2/64")
	for _, h := range []*netlab.Host{x, y} {
		h.Plug("eth1", "10.1.0."+h.Name[3:]+"/24")
	}
	return start(t, x, "lb01", conf), start(t, y, "lb02", conf)
}

// states are those of all routers in their order, in one word each.
func (n *node) states() string {
	s, err := n.status()
	if err != nil {
		return err.Error()
	}
	var words []string
	for _, r := range s.Routers {
		words = append(words, r.State)
	}
	return strings.Join(words, ", ")
}

// never half of a group is Active for longer than a moment: asked n times over.
func (n *node) neverHalf(during time.Duration) {
	n.Helper()
	half := 0
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s := n.states(); strings.Contains(s, "ACTIVE") && strings.Contains(strings.Trim(s, " "), "BACKUP") {
			half++
		} else {
			half = 0
		}
		if half > 10 {
			n.Fatalf("%s stays half: %s", n.host.Name, n.states())
		}
	}
}

func TestAGroupIsTakenOverAsAWholeAfterAKill(t *testing.T) {
	t.Parallel()
	a, b := startPair(t, netlab.New(t), both())
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	a.kill()
	b.routers("ACTIVE", "ACTIVE")
	again := start(t, a.host, "lb01", both())
	again.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
}

// What one router of a group tracks fails all of them.
func TestAFaultOfOneRouterOfAGroupIsOneOfAll(t *testing.T) {
	t.Parallel()
	conf := both("track: [eth1]")
	a, b := startPair(t, netlab.New(t), conf)
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	a.host.Cable("eth1").Cut()
	a.routers("FAULT", "FAULT")
	b.routers("ACTIVE", "ACTIVE")
	a.says("four: ACTIVE -> FAULT (track)", "six: ACTIVE -> FAULT (group-fault)")
	a.host.Cable("eth1").Join()
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
}

func TestAGroupThatOutranksItselfMovesAsAWhole(t *testing.T) {
	t.Parallel()
	a, b := startPair(t, netlab.New(t), both("track: [{interface: eth1, penalty: 60}]"))
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	a.host.Cable("eth1").Cut()
	b.routers("ACTIVE", "ACTIVE")
	a.routers("BACKUP", "BACKUP")
	a.host.Cable("eth1").Join()
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
}

// The Active node's own adverts of one family reach nobody: nothing moves; then it dies.
func TestAGroupOfWhichOneFamilyIsNotHeardIsTakenOverAsAWhole(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	a, b := startPair(t, lab, both())
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	a.host.Rules("table inet f {\nchain o {\ntype filter hook output priority 0;\nip6 nexthdr 112 drop\n}\n}")
	b.says("six: ", "(address-answered)")
	b.neverHalf(2 * time.Second)
	b.routers("BACKUP", "BACKUP")
	a.kill()
	b.routers("ACTIVE", "ACTIVE")
	if strings.Contains(b.log.String(), "address-contest") {
		t.Error("an address was taken that was still answered")
	}
	client := lab.Host("client", "10.0.0.9/24", "2001:db8::9/64")
	d := &duo{lab: lab, client: client}
	d.answers(t, vip)
	d.answers(t, vip6)
}

// Reloads that change who is of the group, on the Active node first.
func TestReloadsOfAGroupLeaveNoHalf(t *testing.T) {
	t.Parallel()
	third := router("more", 51, "10.0.0.4/24", "group: web")
	alone := strings.ReplaceAll(both(), ", group: web", "")
	a, b := startPair(t, netlab.New(t), both())
	a.routers("ACTIVE", "ACTIVE")
	b.routers("BACKUP", "BACKUP")
	for i, conf := range []string{both() + third, both(), alone, both() + third, alone, both()} {
		routers := strings.Count(conf, "name:")
		for _, n := range []*node{a, b} {
			n.reloads(conf)
			if n == a {
				continue // until the other one has it, too, it may be either way
			}
			a.routers(slices.Repeat([]string{"ACTIVE"}, routers)...)
			b.routers(slices.Repeat([]string{"BACKUP"}, routers)...)
			t.Logf("step %d: %s", i, conf[strings.LastIndex(conf, "- "):])
		}
		a.neverHalf(300 * time.Millisecond)
	}
}

func TestTwoNodesOfAGroupStartedAtOnceAgreeEveryTime(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	var hosts []*netlab.Host
	for i := range 2 {
		hosts = append(hosts, lab.Host(fmt.Sprintf("lb0%d", i+1), fmt.Sprintf("10.0.0.%d/24", i+1), fmt.Sprintf("2001:db8::%d/64", i+1)))
	}
	for range 10 {
		a, b := start(t, hosts[0], "lb01", both()), start(t, hosts[1], "lb02", both())
		a.routers("ACTIVE", "ACTIVE")
		b.routers("BACKUP", "BACKUP")
		a.stop()
		b.stop()
	}
}

// An interface that cannot make up its mind moves the address once each way and time, and
// somebody always has it.
func TestAnInterfaceThatFlapsMovesNoMoreThanIsTold(t *testing.T) {
	t.Parallel()
	a, b := startPair(t, netlab.New(t), twoNodes+router("web", 50, "10.0.0.3/24", "track: [{interface: eth1, penalty: 60}]"))
	a.is("ACTIVE")
	b.is("BACKUP")
	stop, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		var longest time.Duration
		last := time.Now()
		for {
			if lifetime(a.host, "eth0", vip) != 0 || lifetime(b.host, "eth0", vip) != 0 {
				last = time.Now()
			}
			longest = max(longest, time.Since(last))
			select {
			case <-stop:
				worst <- longest
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	const flaps = 20
	cable := a.host.Cable("eth1")
	for range flaps {
		cable.Cut()
		time.Sleep(150 * time.Millisecond)
		cable.Join()
		time.Sleep(50 * time.Millisecond)
	}
	a.is("ACTIVE")
	b.is("BACKUP")
	close(stop)
	if longest := <-worst; longest > 3*time.Second { // about a second, and two busy cores
		t.Errorf("nobody had the address for %s", longest)
	} else {
		t.Logf("nobody had the address for %s at the most; %d transitions", longest.Round(time.Millisecond), a.moves()+b.moves())
	}
	if n := a.moves(); n > 2+2*flaps {
		t.Errorf("%d transitions of %d flaps", n, flaps)
	}
}

// Nobody is there to take over from a node that is worse than it should be.
func TestAPenaltyOnTheOnlyNodeLeavesTheAddressOnceForAMoment(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	h.Plug("eth1", "10.1.0.1/24")
	n := start(t, h, "lb01", twoNodes+router("web", 50, "10.0.0.3/24", "track: [{interface: eth1, penalty: 60}]"))
	n.is("ACTIVE")
	for range 3 {
		h.Cable("eth1").Cut()
		n.await("the penalty", func(r daemon.RouterStatus) bool { return r.Priority == 90 })
		n.says("ACTIVE -> BACKUP (outranked)", "BACKUP -> ACTIVE (unclaimed)")
		n.await("held", func(r daemon.RouterStatus) bool { return r.Held })
		h.Cable("eth1").Join()
		n.await("no penalty", func(r daemon.RouterStatus) bool { return r.Priority == 150 && r.Held })
	}
	if yields := strings.Count(n.log.String(), "(outranked)"); yields != 1 {
		t.Errorf("it left the address %d times", yields)
	}
}
