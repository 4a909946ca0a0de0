package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Advice is what the pair could have better, each with what to write. Nothing of it is
// wrong.
func (d *Document) Advice() []Error {
	a := &advice{Document: d}
	a.proxyAdvice()
	a.heartbeatAdvice()
	a.gateAdvice()
	for i := range d.routers {
		a.routerAdvice(&d.routers[i])
	}
	return a.list.sort()
}

// advice is a list in the making.
type advice struct {
	*Document
	list Errors
}

func (a *advice) say(path, format string, args ...any) {
	a.list = append(a.list, Error{File: a.file, Path: path, Text: fmt.Sprintf(format, args...)})
}

// noticed is how long a failure may go unnoticed before anybody minds.
const noticed = 10 * time.Second

// proxyAdvice is about what is looked at, and about what both nodes fail at.
func (a *advice) proxyAdvice() {
	guarded := slices.ContainsFunc(a.probes, func(p probes.Config) bool { return p.OnFail.Act == probes.Guard })
	switch {
	case a.proxy == nil && len(a.virtualServers) > 0: // the servers are checked
	case a.proxy == nil:
		a.say("proxy", "is not there: a proxy that dies is not restarted, and the addresses stay with it unless a probe has on_fail: leave")
	case !guarded:
		a.say("probes", "no probe asks the proxy: one that runs and answers nobody is taken for good: write probes: [http: http://127.0.0.1/healthz]")
	}
	for i, p := range a.probes {
		if worst := time.Duration(p.Fall)*max(p.Interval, p.Timeout) + p.Timeout; worst > noticed {
			a.say(fmt.Sprintf("probes[%d]", i), "%s notices a failure after %s at the worst: shorten interval:, timeout: or fall:", p.Name, printDuration(worst))
		}
	}
	if len(a.routers) > 0 && !a.keep && (a.proxy != nil || len(a.probes) > 0) {
		a.say("when_all_unhealthy", "release: when both nodes fail nobody holds the addresses; write keep if an error page is better than no answer")
	}
}

// heartbeatAdvice is about what tells a peer that is silent from one that is dead.
func (a *advice) heartbeatAdvice() {
	h := a.heartbeat
	switch {
	case len(a.routers) == 0:
	case h == nil:
		a.say("heartbeat", "is not there: a firewall that drops protocol 112, or a switch that drops multicast, makes two holders: write heartbeat: %s", heartbeatExample)
	case len(h.links) == 1 && a.onLAN(h.links[0]):
		a.say("heartbeat.links", "the only link is where the addresses are: one cable or switch port that fails takes the adverts and the heartbeat at once: add a link over another cable")
	case len(h.links) == 1:
		a.say("heartbeat.links", "there is one: when its cable is cut nothing is left but VRRP: add a second one, such as %s", a.lanLink())
	}
	if h != nil && !a.arbitration.auto && len(a.arbitration.gateways) == 0 {
		a.say("arbitration.gateway", "none: a node that is cut off from everybody cannot know, and holds the addresses where nobody reaches them: write auto, or the address of a router")
	}
}

// onLAN tells whether a link goes over the network of some virtual addresses.
func (d *Document) onLAN(link map[string]netip.Addr) bool {
	for i := range d.routers {
		for _, v := range d.routers[i].shared.Addresses {
			for _, n := range d.nodes {
				if v.Prefix.Masked().Contains(link[n.name]) || link[n.name] == n.address {
					return true
				}
			}
		}
	}
	return false
}

// lanLink is a link between the nodes' own addresses.
func (d *Document) lanLink() string {
	a, b := d.nodes[0], d.nodes[1]
	return fmt.Sprintf("{%s: %s, %s: %s}", a.name, a.address, b.name, b.address)
}

func (a *advice) gateAdvice() {
	if a.ungated && len(a.routers) > 0 {
		a.say("gate", "off: the kernel of a daemon that hangs or is killed answers for up to some seconds, beside the other node: write auto")
	}
}

// routerAdvice is about one virtual router.
func (a *advice) routerAdvice(r *router) {
	one := r.on(a.nodes[0], a.nodes[1])
	path := "virtual_routers." + one.Name
	v := &one.VRRP
	if v.VRID == tutorialVRID {
		a.say(path+".vrid", "51 is what most examples have: if another pair on this network copied one, too, the two disturb each other: choose another")
	}
	if v.Preempt && v.PreemptDelay == 0 {
		a.say(path+".preempt_delay", "0: the addresses move back as soon as the better node is up, and to and fro with one that keeps failing: write 30s, or preempt: false")
	}
	if v.Version == vrrp.V2 && silence(&one) > 2*time.Second {
		a.say(path+".version", "2: adverts every %s, so that a dead node is noticed after %s: write version: 3, whose default is 200ms, when no keepalived needs 2", printDuration(v.Interval), printDuration(silence(&one)))
	}
	if v.AnnounceEvery == 0 {
		a.say(path+".garp.refresh", "0: gratuitous ARP is never repeated: neighbours that missed it keep the wrong MAC address until theirs times out: write 1s")
	}
}

// tutorialVRID is the one that tutorials of keepalived use.
const tutorialVRID = 51

// silence is after how long a dead node is noticed.
func silence(r *supervisor.Router) time.Duration {
	return r.VRRP.Silence(r.VRRP.Interval).Round(time.Millisecond)
}
