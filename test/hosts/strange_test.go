package hosts

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// swap is a change of one node's configuration.
type swap struct{ old, new string }

func (s swap) of(text string) string { return strings.ReplaceAll(text, s.old, s.new) }

// strange is something that lb02 has otherwise than lb01: what each of the two says of it.
type strange struct {
	name       string
	both       swap   // on both nodes before
	wrong      swap   // on lb02
	key        string // on lb02
	lb01, lb02 string // what they say
}

const differs = "(peer-config-differs)"

var strangeness = []strange{
	{name: "another key", key: "hex:" + strings.Repeat("77", 32) + "\n",
		lb01: "a heartbeat of 10.78.0.2 is refused: copy the same heartbeat key file to both nodes, and reload both (heartbeat-bad-mac)",
		lb02: "a heartbeat of 10.78.0.1 is refused: copy the same heartbeat key file to both nodes, and reload both (heartbeat-bad-mac)"},
	{name: "another VRID", wrong: swap{"vrid: 50", "vrid: 51"},
		lb01: differs, lb02: "lb01 holds the addresses and says so by heartbeat, but its adverts do not come (vrrp-blocked)"},
	{name: "another interval", wrong: swap{"vrid: 50", "vrid: 50\n    advert_interval: 300ms"}, lb01: differs, lb02: differs},
	{name: "another interval in version 2",
		both: swap{"vrid: 50", "vrid: 50\n    version: 2\n    advert_interval: 1s"}, wrong: swap{"advert_interval: 1s", "advert_interval: 2s"},
		lb01: differs, lb02: "10.77.0.1 advertises every 1s, we every 2s (interval-refused): set the same advert_interval: on both nodes"},
	{name: "another list of addresses", wrong: swap{"[10.77.0.100/24]", "[10.77.0.100/24, 10.77.0.101/24]"},
		lb01: differs, lb02: "10.77.0.1 has another address list (address-list): give both nodes the same addresses:"},
}

// What differs has to last for 5 s before it is told, since files are edited one after the other.
const toldWithin = 8 * time.Second

// says waits for words in what a host writes to its journal from some place on, and wants the
// reason in its status.
func (p *pair) says(h *hostlab.Host, from int, words string, end time.Time) {
	p.t.Helper()
	for ; !strings.Contains(p.journal(h)[from:], words); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Errorf("%s does not say %q in time:\n%s", h.Name(), words, p.journal(h)[from:])
			return
		}
	}
	reason := words[strings.LastIndex(words, "(")+1 : strings.LastIndex(words, ")")]
	if reason == "peer-config-differs" {
		reason = "differs in pairkeeper's configuration"
	}
	if out := h.Run(p.t, "pairkeeper", "status"); !strings.Contains(out, reason) {
		p.t.Errorf("the status of %s lacks %q:\n%s", h.Name(), reason, out)
	}
}

// configure gives a node another configuration, and has it reloaded.
func (p *pair) configure(h *hostlab.Host, text string) {
	p.t.Helper()
	h.Write(p.t, "/etc/pairkeeper/pairkeeper.yaml", text, 0o644)
	h.Run(p.t, "systemctl", "reload", "pairkeeper.service")
}

func TestWhatDiffersIsSaidOnBothNodesAndMovesNothing(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy", "arping")
	p := newReferredPairIn(t, hostlab.New(t, "lb01", "lb02", "third"), "")
	good := p.a.Run(t, "cat", "/etc/pairkeeper/pairkeeper.yaml") + "\n"
	for _, s := range strangeness {
		t.Run(s.name, func(t *testing.T) {
			p.t = t
			p.configure(p.a, s.both.of(good))
			p.configure(p.b, s.both.of(good))
			p.calm()
			p.mark()
			at01, at02 := len(p.journal(p.a)), len(p.journal(p.b))
			if s.key != "" {
				p.b.Write(t, keyFile, s.key, 0o600)
			}
			p.configure(p.b, s.wrong.of(s.both.of(good)))
			end := time.Now().Add(toldWithin)
			p.says(p.b, at02, s.lb02, end)
			p.says(p.a, at01, s.lb01, end)
			p.b.Write(t, keyFile, pairKey, 0o600)
			p.configure(p.b, s.both.of(good))
			p.calm()
			p.onlyBy("lb01")
		})
	}
	p.t = t
	p.configure(p.a, good)
	p.configure(p.b, good)
	p.calm()
	p.strangerWithTheAddress(p.lab.Host("third"), good)
}

// strangerWithTheAddress has a third host take the address: who holds it keeps it, and nobody
// takes it from there unless told to.
func (p *pair) strangerWithTheAddress(third *hostlab.Host, good string) {
	t := p.t
	t.Log("a third host has the address")
	third.Run(t, "ip", "address", "add", vip+"/24", "dev", "eth0")
	third.Run(t, "arping", "-U", "-c", "3", "-I", "eth0", vip)
	p.wantJournalSoon(p.a, "a host that is not of this pair has the addresses (02:10:77:00:00:03) (foreign-holder)")
	p.wantExplained(p.a, "02:10:77:00:00:03")
	p.awaitState(p.a, "ACTIVE")
	p.awaitState(p.b, "BACKUP")

	t.Log("and the holder's power is cut")
	p.a.Crash(t)
	p.wantJournalSoon(p.b, "a host that is not of this pair has the addresses (02:10:77:00:00:03) (foreign-holder)")
	p.awaitState(p.b, "BACKUP")
	p.configure(p.b, good+"  on_foreign_vip: contest\n")
	p.awaitState(p.b, "ACTIVE")
	third.Run(t, "ip", "address", "del", vip+"/24", "dev", "eth0")
	p.mark()
	p.client.WaitFor(t, "lb02", soon)
	p.a.Start(t)
	p.client.WaitFor(t, "lb01", soon)
	p.neverTwo()
}
