package supervisor

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// active explains ACTIVE.
func (x *explainer) active() {
	because := Meaning(x.r.entered.Reason)
	if p := x.r.entered.Peer; p.IsValid() {
		because += " (" + x.name(p) + ")"
	}
	switch {
	case x.r.failing != "":
		x.say("no healthy node is heard: my own node has failed (%s), and holds the addresses as the last resort (when_all_unhealthy: keep)", x.r.failing)
		x.fact("%s: %s", x.r.failing, x.r.weakness)
		x.change("a node that is good is heard: I yield at once")
		x.change("%s: my priority is %d again", meanings[x.r.failing].ends, x.unfailed())
		x.timesOf(x.r.failing)
	case x.conflicted() != "":
		x.say("%s; but %s", because, x.conflicted())
		if x.r.arbitration.decision.Rule == fencing.RuleStranger {
			x.change("nothing is heard of it for %s: then it is not told any more", span(strangerRival))
		} else {
			x.change("%s gives the addresses up", x.cfgPeer())
		}
		x.advise(rulings[x.r.arbitration.decision.Rule].do)
	case x.contested():
		x.say("%s; but %s holds the addresses as well, and does not hear me", because, x.whom())
		x.change("%s hears me: it yields, as its priority is lower", x.other())
		x.remedy(vrrp.ReasonLowerAdvert)
	case x.outranked():
		x.say("%s; the priority of %s is %d and mine %d, but it is not heard", because, x.cfgPeer(), x.r.machine.PeerPriority(), x.mine())
		x.change("%s is there and takes the addresses: I yield at once", x.cfgPeer())
		x.Remedy = append(x.Remedy, "look whether "+x.cfgPeer()+" runs and is healthy")
	default:
		x.say("%s", because)
	}
	x.fact("ACTIVE for %s, adverts every %s", x.ago(x.r.since), span(x.cfg.Interval))
	if !x.r.owned && !x.r.native {
		x.fact("the kernel has not confirmed the addresses yet")
	}
	x.byOrder()
	x.mending()
	x.whatEndsIt()
	x.keepsPeer()
}

// contested tells that another Active router is heard.
func (x *explainer) contested() bool {
	return x.heard.At.After(x.r.since.Add(x.cfg.Interval)) && x.heard.Priority != vrrp.PriorityRelease && x.recent()
}

// recent tells that somebody else is Active, as far as is heard.
func (x *explainer) recent() bool {
	return !x.heard.At.IsZero() && x.heard.Priority != vrrp.PriorityRelease && x.now.Sub(x.heard.At) <= x.cfg.DownInterval(x.cfg.Interval)
}

func (x *explainer) outranked() bool { return x.r.machine.PeerPriority() > x.mine() }

// whatEndsIt is what makes an Active router leave.
func (x *explainer) whatEndsIt() {
	if x.mine() < vrrp.PriorityOwner {
		x.change("a node with a priority above %d is heard: I yield to it", x.mine())
	}
	if p := x.cfg.PeerPriority; p != 0 && p < x.mine() && x.cfg.Priority != vrrp.PriorityOwner {
		x.change("my priority falls below %d, that of %s: I give the addresses up", p, x.cfgPeer())
	}
	if g := &x.guard; g.cfg.Guarded() && x.r.failing == "" {
		x.change("%s fails, and %s not help: I give the addresses up", g.cfg.Name(), restarts(g.cfg.Attempts))
	}
	for _, p := range x.probes {
		if p.cfg.OnFail.Act == probes.Fatal && !p.cfg.OnFail.Reverse && x.r.failing == "" {
			x.change("probe %s is bad %d times in a row, every %s: I give the addresses up", p.cfg.Name, max(p.cfg.Fall, 1), span(p.cfg.Interval))
		}
	}
	if x.linked() && x.gateway() != fencing.Unasked {
		x.change("my gateway is lost, and %s reaches it for %s: I give the addresses up", x.cfgPeer(), span(worseFor))
	}
	x.change("interface %s loses its carrier, or this daemon stops", x.r.cfg.Interface)
}

func restarts(n int) string {
	if n == 1 {
		return "one restart does"
	}
	return fmt.Sprintf("%d restarts do", n)
}

// keepsPeer is why the other node does not hold the addresses.
func (x *explainer) keepsPeer() {
	switch p := x.cfg.PeerPriority; {
	case x.contested(), x.conflicted() != "", x.r.failing != "":
	case p == 0 || x.outranked():
	case p < x.mine():
		x.peer("%s stays BACKUP as long as it hears me: its priority is lower (%d by the file)", x.cfgPeer(), p)
	default:
		x.peer("%s has the same priority by the file, so it leaves the addresses to me", x.cfgPeer())
	}
	switch {
	case x.recent() || x.byHeartbeat():
	case x.linked():
		x.peer("nothing of it comes by heartbeat, nor any advert: it is taken for dead, or for cut off")
	default:
		x.peer("it is not heard, which is as it should be: a BACKUP is silent. Whether it is there is not known")
	}
}
