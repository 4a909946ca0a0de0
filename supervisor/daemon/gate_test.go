package daemon_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/onlooker"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// watched is a duo with a web server each, and an onlooker who asks them all the time and
// counts who answers ARP.
type watched struct {
	*duo
	eye *onlooker.Onlooker
}

func startWatched(t *testing.T, conf string) *watched {
	t.Helper()
	netlab.Need(t, "nft")
	w := &watched{duo: startDuo(t, conf)}
	again := func(variable, value string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), variable+"="+value)
		return cmd
	}
	for _, n := range w.nodes {
		n.host.Start(again(asWeb, n.host.Name))
	}
	cmd := again(asEye, "yes")
	var err error
	w.eye, err = onlooker.Start(cmd, func() (err error) {
		w.client.Do(func() { err = cmd.Start() })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.eye.Stop)
	w.served(t, "lb01", onlooker.Now())
	return w
}

// served waits until a host answers a request that was asked since.
func (w *watched) served(t *testing.T, by string, since onlooker.Stamp) {
	t.Helper()
	for end := time.Now().Add(soon); !w.eye.Answered(by, since); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not answer; %s %s", by, w.eye.Story(since), w.eye.Problem())
		}
	}
}

// account says for how long nobody and two answered since a fault. Two must not.
func (w *watched) account(t *testing.T, what string, fault onlooker.Stamp) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	end := onlooker.Now()
	time.Sleep(32 * onlooker.CountEvery) // the last rounds of the census come late
	times, two := w.eye.Moments(fault, end, func(holders int) bool { return holders > 1 })
	t.Logf("%s: no answer for %s", what, w.eye.Outage(fault, end).Round(time.Millisecond))
	if two > 0 {
		t.Errorf("%s: two answered ARP %d times, for %s; %s", what, times, two, w.eye.Story(fault))
	}
}

var quick = twoNodes + router("web", 50, "10.0.0.3/24", "advert_interval: 100ms", "garp: {again: 0, refresh: 0}")

// open is what is let in on a host, in the words of nft(8).
func open(h *netlab.Host) (elements string) {
	for _, set := range []string{"open4", "open6"} {
		if text, err := h.Try("nft", "list", "set", "inet", "pairkeeper", set); err == nil {
			_, list, _ := strings.Cut(text, "elements")
			elements += list
		}
	}
	return elements
}

func (n *node) gate(want string) {
	n.Helper()
	n.await("gate "+want, func(r daemon.RouterStatus) bool { return r.Gate == want })
}

// deafen keeps the answers to ARP from a node: it cannot see that somebody has the address, and
// takes it when its patience ends.
func (n *node) deafen() {
	n.Helper()
	n.host.Rules("table netdev deaf { chain in { type filter hook ingress device eth0 priority 0; arp saddr ip " + vip + " drop; }; }")
}

// moments are how often each fault is tried: at another moment between two adverts each time.
const moments = 5

func TestAHungDaemonIsShutOutBeforeTheOtherNodeAnswers(t *testing.T) {
	w := startWatched(t, quick)
	w.nodes[1].deafen()
	for i := range moments {
		time.Sleep(time.Duration(i*37) * time.Millisecond)
		fault := onlooker.Now()
		_ = w.nodes[0].cmd.Process.Signal(unix.SIGSTOP)
		w.served(t, "lb02", fault)
		if list := open(w.nodes[0].host); list != "" {
			t.Errorf("the gate of the hung daemon is open: %s", list)
		}
		w.account(t, "SIGSTOP", fault)
		resumed := onlooker.Now()
		_ = w.nodes[0].cmd.Process.Signal(unix.SIGCONT)
		w.served(t, "lb01", resumed)
		w.account(t, "SIGCONT", resumed)
	}
	if n := w.nodes[0].said("ACTIVE -> BACKUP (paused)"); n != moments {
		t.Errorf("lb01 listened %d times after a pause, want %d", n, moments)
	}
}

func TestAKilledDaemonIsShutOutBeforeTheOtherNodeAnswers(t *testing.T) {
	w := startWatched(t, quick)
	w.nodes[1].deafen()
	for i := range moments {
		time.Sleep(time.Duration(i*37) * time.Millisecond)
		fault := onlooker.Now()
		w.nodes[0].kill()
		w.served(t, "lb02", fault)
		w.account(t, "kill -9", fault)
		back := onlooker.Now()
		w.nodes[0] = start(t, w.nodes[0].host, "lb01", quick)
		w.served(t, "lb01", back)
		w.account(t, "restart", back)
	}
}

func TestAStopInOrderIsNotAnsweredTwice(t *testing.T) {
	w := startWatched(t, quick)
	for range moments {
		fault := onlooker.Now()
		w.nodes[0].stop()
		w.served(t, "lb02", fault)
		w.account(t, "stop", fault)
		if left := w.nodes[0].host.Run("nft", "list", "tables"); left != "" {
			t.Errorf("left after the end: %s", left)
		}
		back := onlooker.Now()
		w.nodes[0] = start(t, w.nodes[0].host, "lb01", quick)
		w.served(t, "lb01", back)
		w.account(t, "restart", back)
	}
}

// A pause that is longer than the gate, and shorter than the other node's patience.
func TestAGateThatRanOutIsOpenedAgainAndReported(t *testing.T) {
	w := startWatched(t, twoNodes+router("web", 50, "10.0.0.3/24", "advert_interval: 1s"))
	w.nodes[0].gate("open")
	fault := onlooker.Now()
	_ = w.nodes[0].cmd.Process.Signal(unix.SIGSTOP)
	time.Sleep(1200 * time.Millisecond)
	_ = w.nodes[0].cmd.Process.Signal(unix.SIGCONT)
	w.nodes[0].says("(gate-shut)")
	w.nodes[0].gate("open")
	w.served(t, "lb01", onlooker.Now())
	w.account(t, "1.2 s", fault)
	w.nodes[0].is("ACTIVE")
	w.nodes[1].is("BACKUP")
	if n := w.nodes[0].moves(); n != 2 {
		t.Errorf("lb01 has changed its state %d times, want 2", n)
	}
}

func TestAFlushedRulesetIsPutBackAndReported(t *testing.T) {
	w := startWatched(t, quick)
	for range moments {
		fault := onlooker.Now()
		w.nodes[0].host.Run("nft", "flush", "ruleset")
		w.nodes[0].until("the gate is back", func() bool { return open(w.nodes[0].host) != "" })
		w.served(t, "lb01", onlooker.Now())
		w.account(t, "flush", fault)
		if lost := w.eye.Outage(fault, onlooker.Now()); lost > onlooker.AnswerWithin {
			t.Errorf("nobody was answered for %s", lost)
		}
	}
	w.nodes[0].says("somebody removed the tables pairkeeper of nftables; they were put back")
	w.nodes[0].gate("open")
	if n := w.nodes[0].moves(); n != 2 {
		t.Errorf("lb01 has changed its state %d times, want 2", n)
	}
}

func TestEveryKindOfRouterIsShutOut(t *testing.T) {
	for name, c := range map[string]struct {
		conf string
		ask  []string
	}{
		"virtual MAC":             {twoNodes + router("web", 50, "10.0.0.3/24", "virtual_mac: true"), []string{vip}},
		"IPv6":                    {twoNodes + router("web", 50, "'2001:db8::3/64', 'fe80::100/64'"), []string{vip6}},
		"IPv6 with a virtual MAC": {twoNodes + router("web", 50, "'2001:db8::3/64'", "virtual_mac: true"), []string{vip6}},
		"unicast":                 {twoNodes + router("web", 50, "10.0.0.3/24", "unicast: true"), []string{vip}},
		"group":                   {both(), []string{vip, vip6}},
		"track":                   {twoNodes + router("web", 50, "10.0.0.3/24", "track: [{interface: lo, penalty: 60}]"), []string{vip}},
		"version 2":               {twoNodes + router("web", 50, "10.0.0.3/24", "version: 2"), []string{vip}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			netlab.Need(t, "nft")
			d := startDuo(t, c.conf)
			d.nodes[0].gate("open")
			d.nodes[1].gate("idle")
			for _, a := range c.ask {
				d.answers(t, a)
			}
			_ = d.nodes[0].cmd.Process.Signal(unix.SIGSTOP)
			d.nodes[1].is("ACTIVE")
			if list := open(d.nodes[0].host); list != "" {
				t.Errorf("lb02 is Active, and on lb01 are open: %s", list)
			}
			for _, a := range c.ask {
				d.answers(t, a)
			}
			_ = d.nodes[0].cmd.Process.Signal(unix.SIGCONT)
			d.nodes[0].says("(paused)")
			d.nodes[0].is("ACTIVE")
			d.nodes[1].is("BACKUP")
			for _, a := range c.ask {
				d.answers(t, a)
			}
			if n := d.nodes[0].said("gate-shut") + d.nodes[1].said("gate-shut"); n > 0 {
				t.Errorf("%d gates ran out under a daemon that held", n)
			}
		})
	}
}

// The operator changes gate: in the file while the address is held.
func TestAGateIsSwitchedOffAndOn(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "nft")
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", "gate: off\n"+quick)
	n.is("ACTIVE")
	n.gate("off")
	if tables := h.Run("nft", "list", "tables"); tables != "" {
		t.Errorf("with gate: off there is:\n%s", tables)
	}
	guarded := func() bool {
		return strings.Contains(h.Run("nft", "list", "set", "inet", "pairkeeper", "guarded4"), vip)
	}
	for range 2 {
		n.write("gate: auto\n" + quick)
		n.reload()
		n.gate("open")
		if open(h) == "" || !guarded() {
			t.Error("gate: auto, and nothing is guarded")
		}
		n.write("gate: off\n" + quick)
		n.reload()
		n.gate("off")
		n.until("not guarded", func() bool { return !guarded() })
	}
	if moves := n.moves(); moves != 2 {
		t.Errorf("it has changed its state %d times, want 2", moves)
	}
}

// What a dead daemon had guarded ends when nothing of its addresses can be left.
func TestABackupGuardsNothingAfterACrash(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "nft")
	lab := netlab.New(t)
	a, b := lab.Host("lb01", "10.0.0.1/24"), lab.Host("lb02", "10.0.0.2/24")
	first := start(t, a, "lb01", quick)
	first.gate("open")
	first.kill()
	first.holds(false)
	guarded := func() string { return a.Run("nft", "list", "set", "inet", "pairkeeper", "guarded4") }
	if !strings.Contains(guarded(), vip) {
		t.Error("the dead daemon's gate is gone before anybody removed it")
	}
	stays := strings.ReplaceAll(quick, "preempt_delay: 0", "preempt: false")
	start(t, b, "lb02", stays).is("ACTIVE")
	again := start(t, a, "lb01", stays)
	again.is("BACKUP")
	again.until("guards nothing", func() bool { return !strings.Contains(guarded(), vip) })
	again.gate("idle")
	again.kill()
	if err := again.cleanup("lb01"); err != nil {
		t.Error(err)
	}
	if tables := a.Run("nft", "list", "tables"); tables != "" {
		t.Errorf("after the cleanup there is:\n%s", tables)
	}
}

func TestWithoutNFTablesTheLifetimeAloneGuards(t *testing.T) {
	t.Parallel()
	netlab.Need(t, "setpriv")
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	n := start(t, h, "lb01", quick, "setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin")
	n.says("no gate, the addresses are guarded by their lifetime alone: nf_tables of this kernel: ", "CAP_NET_ADMIN is missing")
	n.await("says why", func(r daemon.RouterStatus) bool { return strings.HasPrefix(r.Gate, "unsupported: nf_tables") })
	n.reload()
	time.Sleep(time.Second)
	if c := n.said("no gate, the addresses"); c != 1 {
		t.Errorf("it says so %d times", c)
	}
}
