package daemon_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// hearts is a pair with a heartbeat on the same network as the adverts, and a gateway.
type hearts struct {
	testing.TB
	lab   *netlab.Lab
	nodes [2]*node
}

func startHearts(t *testing.T, more string, others ...func(*netlab.Lab)) *hearts {
	t.Helper()
	netlab.Need(t, "nft", "ip")
	lab := netlab.New(t)
	lab.Host("gw", "10.0.0.254/24")
	for _, other := range others {
		other(lab)
	}
	h := &hearts{TB: t, lab: lab}
	conf := withHeartbeat(t, more)
	for i, name := range []string{"lb01", "lb02"} {
		host := lab.Host(name, "10.0.0."+string(rune('1'+i))+"/24")
		host.Do(func() { run(t, "ip", "route", "add", "default", "via", "10.0.0.254") })
		h.nodes[i] = start(t, host, name, conf)
	}
	h.nodes[0].is("ACTIVE")
	h.nodes[1].is("BACKUP")
	for _, n := range h.nodes {
		n.hears("both-ways")
	}
	return h
}

// withHeartbeat is the configuration of a pair with a heartbeat, and more.
func withHeartbeat(t *testing.T, more string) string {
	t.Helper()
	key := filepath.Join(shortDir(t), "pair.key")
	if err := os.WriteFile(key, []byte("hex:"+strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return pair + "heartbeat:\n  key_file: " + key + "\n  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]\n" + more
}

// run runs a command on this thread, in whatever namespace it is.
func run(t testing.TB, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
}

func (n *node) hears(state string) {
	n.Helper()
	n.until("the heartbeat is "+state, func() bool {
		s, err := n.status()
		return err == nil && s.Heartbeat != nil && s.Heartbeat.Links[0].State == state
	})
}

// drops has a host drop what comes in and matches.
func (n *node) drops(match string) {
	n.Helper()
	n.host.Do(func() {
		run(n, "nft", "add table inet wall; add chain inet wall in { type filter hook input priority 0; }; add rule inet wall in "+match+" drop")
	})
}

func (n *node) passes() {
	n.Helper()
	n.host.Do(func() { run(n, "nft", "delete table inet wall") })
}

// stays tells that nobody moves for a while, and that one host alone has the address.
func (h *hearts) stays(d time.Duration) {
	h.Helper()
	moves := h.nodes[0].moves() + h.nodes[1].moves()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if lifetime(h.nodes[0].host, "eth0", vip) == 0 || lifetime(h.nodes[1].host, "eth0", vip) != 0 {
			h.Fatal("lb01 alone does not hold the address")
		}
	}
	if now := h.nodes[0].moves() + h.nodes[1].moves(); now != moves {
		h.Errorf("%d moves", now-moves)
	}
}

func TestAFirewallThatEatsVRRPMakesNoSecondHolder(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	for _, n := range h.nodes {
		n.drops("ip protocol 112")
	}
	h.nodes[1].says("vrrp-blocked")
	h.stays(3 * time.Second)
	for _, n := range h.nodes {
		n.passes()
	}
	h.stays(2 * time.Second)

	// It is no protection of a dead node.
	for _, n := range h.nodes {
		n.drops("ip protocol 112")
	}
	h.nodes[1].says("vrrp-blocked")
	h.nodes[0].host.Cable("eth0").Detach()
	h.nodes[1].is("ACTIVE")
}

func TestAFirewallThatEatsEverythingButARPMakesNoSecondHolder(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	for _, n := range h.nodes {
		n.drops("ip saddr { 10.0.0.1, 10.0.0.2 }")
	}
	h.nodes[1].hears("silent")
	h.stays(5 * time.Second)
	h.nodes[0].host.Cable("eth0").Detach()
	h.nodes[1].is("ACTIVE")
}

func TestANodeThatIsCutOffGivesUp(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	h.nodes[0].host.Cable("eth0").Detach() // its carrier stays
	h.nodes[0].isOut("isolated")
	h.nodes[0].holds(false)
	h.nodes[1].is("ACTIVE")
	h.nodes[0].host.Cable("eth0").Attach()
	h.nodes[0].is("ACTIVE")
	h.nodes[1].is("BACKUP")
}

func TestAStandbyThatIsCutOffTakesNothing(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	h.nodes[1].host.Cable("eth0").Detach()
	h.nodes[1].isOut("isolated")
	h.nodes[1].host.Cable("eth0").Attach()
	h.nodes[1].is("BACKUP")
	if strings.Contains(h.nodes[1].log.String(), "-> ACTIVE") {
		t.Error("it held the address")
	}
}

func TestAnotherKeyIsShown(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	wrong := filepath.Join(shortDir(t), "wrong.key")
	if err := os.WriteFile(wrong, []byte("hex:"+strings.Repeat("a5", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(h.nodes[1].file)
	if err != nil {
		t.Fatal(err)
	}
	from, _, _ := strings.Cut(string(text), "  key_file: ")
	_, rest, _ := strings.Cut(string(text), "pair.key\n")
	h.nodes[1].reloads(from + "  key_file: " + wrong + "\n" + rest)
	h.nodes[0].says("heartbeat-bad-mac", "copy the same heartbeat key file to both nodes")
	h.nodes[0].until("it is counted", func() bool {
		s, err := h.nodes[0].status()
		return err == nil && len(s.Heartbeat.Links[0].Refused) > 0
	})
	h.stays(2 * time.Second)
}

// The other host's kernel tells that its daemon is gone; the pair goes on as without.
func TestADaemonThatIsKilledIsReplaced(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	if err := h.nodes[0].cmd.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	h.nodes[1].is("ACTIVE")
}

func TestDifferentConfigurationsAreShown(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	text, err := os.ReadFile(h.nodes[1].file)
	if err != nil {
		t.Fatal(err)
	}
	h.nodes[1].reloads(strings.Replace(string(text), "preempt_delay: 0", "preempt_delay: 1s", 1))
	for _, n := range h.nodes {
		n.until("the difference is shown", func() bool {
			s, err := n.status()
			return err == nil && len(s.Heartbeat.Different) == 1 && strings.Contains(s.Heartbeat.Different[0], "pairkeeper's configuration")
		})
	}
	h.nodes[0].says("peer-config-differs")
	h.nodes[1].reloads(string(text))
	h.nodes[0].says("peer-agrees-again")
	h.nodes[0].until("it is over", func() bool {
		s, err := h.nodes[0].status()
		return err == nil && len(s.Heartbeat.Different) == 0
	})
}
