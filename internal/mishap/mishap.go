//go:build linux

// Package mishap has what befalls a pair of hosts in a hostlab, for tests and for the benchmark:
// the rows of docs/split-brain.md that a machine can act out.
package mishap

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// Stage is where it happens: A holds the addresses, and comes first.
type Stage struct {
	hostlab.T
	Lab  *hostlab.Lab
	A, B *hostlab.Host
	Unit string // of the daemon that keeps the address
}

// wall is the name of the pair's own: pairs may share a lab.
func (s Stage) wall() string { return "wall_" + s.A.Name() }

// Open lets all frames pass again.
func (s Stage) Open() { s.Lab.Unwall(s, s.wall()) }

// Mishap is one of them.
type Mishap struct {
	Name  string
	Title string
	Lasts time.Duration // from Begin to End, where it matters
	Begin func(Stage)
	End   func(Stage)
}

// All are in the order of the matrix.
func All() []Mishap {
	return []Mishap{
		{Name: "vrrp-from-a", Title: "the Active's adverts are blocked", Begin: walls(vrrp(a, b))},
		{Name: "vrrp-from-b", Title: "the Backup's adverts are blocked", Begin: walls(vrrp(b, a))},
		{Name: "vrrp", Title: "all adverts are blocked", Begin: walls(vrrp(a, b), vrrp(b, a))},
		{Name: "heartbeat", Title: "the second link is cut", Begin: walls(second(a, b), second(b, a))},
		{Name: "not-arp", Title: "everything is blocked but ARP", Begin: walls(notARP(a, b), notARP(b, a), second(a, b), second(b, a))},
		{Name: "all", Title: "everything between the two is cut, both reach the gateway", Begin: walls(all(a, b), all(b, a), second(a, b), second(b, a))},
		{Name: "from-a", Title: "nothing of the Active reaches the Backup", Begin: walls(all(a, b), second(a, b))},
		{Name: "from-b", Title: "nothing of the Backup reaches the Active", Begin: walls(all(b, a), second(b, a))},
		{Name: "isolated-a", Title: "the switch isolates the Active", Begin: walls(isolated(a, 0)...)},
		{Name: "isolated-a-all", Title: "all switches isolate the Active", Begin: walls(append(isolated(a, 0), isolated(a, 1)...)...)},
		{Name: "isolated-b-all", Title: "all switches isolate the Backup", Begin: walls(append(isolated(b, 0), isolated(b, 1)...)...)},
		{Name: "gateway-a", Title: "the Active loses the gateway", Lasts: 8 * time.Second, Begin: walls(gateway(a)...)},
		{Name: "gateway-both", Title: "both lose the gateway", Lasts: 8 * time.Second, Begin: walls(append(gateway(a), gateway(b)...)...)},
		{Name: "gateway-flaps", Title: "the Active's gateway flaps every 2 s", Begin: flaps},
		{Name: "loss", Title: "30 % of all frames between the two are lost", Lasts: 12 * time.Second, Begin: walls(lossy(a, b, 0), lossy(b, a, 0), lossy(a, b, 1), lossy(b, a, 1))},
		{Name: "cable", Title: "the Active's cable is pulled", Begin: func(s Stage) { s.A.Cut(s, "eth0") }, End: func(s Stage) { s.A.Join(s, "eth0") }},
		{Name: "hangs", Title: "the Active's daemon hangs", Begin: signal("STOP"), End: signal("CONT")},
		{Name: "killed", Title: "the Active's daemon is killed", Begin: signal("KILL"), End: start},
		{Name: "frozen", Title: "the Active's host freezes, but for its kernel", Begin: func(s Stage) { s.A.Freeze(s) }, End: func(s Stage) { s.A.Thaw(s) }},
		{Name: "power", Title: "the Active's power is cut", Begin: func(s Stage) { s.A.Crash(s) }, End: func(s Stage) { s.A.Start(s) }},
	}
}

// start starts a daemon that nothing has started again.
func start(s Stage) { s.A.Run(s, "systemctl", "start", s.Unit) }

func signal(name string) func(Stage) {
	return func(s Stage) { s.A.Run(s, "systemctl", "kill", "--kill-whom=all", "-s", name, s.Unit) }
}

// Ends is how the mishap ends.
func (m *Mishap) Ends(s Stage) {
	if m.End == nil {
		s.Open()
		return
	}
	m.End(s)
}

// rule is one of the switches' for a stage.
type rule func(Stage) string

func walls(rules ...rule) func(Stage) {
	return func(s Stage) {
		var list []string
		for _, r := range rules {
			list = append(list, r(s))
		}
		s.Lab.Wall(s, s.wall(), list...)
	}
}

type who func(Stage) *hostlab.Host

func a(s Stage) *hostlab.Host { return s.A }
func b(s Stage) *hostlab.Host { return s.B }

// between drops what matches of what goes from one host to the other.
func between(from, to who, nic int, match string) rule {
	return func(s Stage) string {
		return fmt.Sprintf("between iifname %q oifname %q %s drop", from(s).Port(nic), to(s).Port(nic), match)
	}
}

func vrrp(from, to who) rule   { return between(from, to, 0, "ip protocol 112") }
func notARP(from, to who) rule { return between(from, to, 0, "ether type != arp") }
func all(from, to who) rule    { return between(from, to, 0, "") }
func second(from, to who) rule { return between(from, to, 1, "") }
func lossy(from, to who, nic int) rule {
	return between(from, to, nic, "numgen random mod 100 < 30")
}

// isolated drops all of a host's frames on one of the switches; its cable stays good.
func isolated(h who, nic int) []rule {
	return []rule{
		func(s Stage) string { return fmt.Sprintf("from iifname %q drop", h(s).Port(nic)) },
		func(s Stage) string { return fmt.Sprintf("to oifname %q drop", h(s).Port(nic)) },
	}
}

// gateway drops what a host asks of the referee.
func gateway(h who) []rule {
	return []rule{
		func(s Stage) string {
			return fmt.Sprintf("from iifname %q arp daddr ip %s drop", h(s).Port(0), hostlab.Referee)
		},
		func(s Stage) string {
			return fmt.Sprintf("from iifname %q ip daddr %s drop", h(s).Port(0), hostlab.Referee)
		},
	}
}

// flaps loses the gateway and finds it again, four times.
func flaps(s Stage) {
	lose := walls(gateway(a)...)
	for range 4 {
		lose(s)
		time.Sleep(2 * time.Second)
		s.Open()
		time.Sleep(2 * time.Second)
	}
}
