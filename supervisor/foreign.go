package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Who answers for the addresses: the other node, which tells its MAC addresses by heartbeat,
// or a stranger.

// rival is who announced the addresses while this node held them.
type rival struct {
	who         fencing.Answer // NotAsked: nobody did
	mac         string
	first, last time.Time // of his announcements
}

// How long an announcement counts. The other node repeats its own every second; a stranger
// announces rarely. Who announces once may have been late; who goes on means it.
const (
	peerRival     = 5 * time.Second
	strangerRival = time.Minute
	rivalGoesOn   = time.Second
)

// announced keeps an announcement.
func (v *rival) announced(now time.Time, who fencing.Answer, mac string) {
	if who != v.who || now.Sub(v.last) > v.counts() {
		v.first = now
	}
	v.who, v.mac, v.last = who, mac, now
}

func (v *rival) counts() time.Duration {
	if v.who == fencing.ByStranger {
		return strangerRival
	}
	return peerRival
}

// answer is who holds the addresses besides this node.
func (v *rival) answer(now time.Time) fencing.Answer {
	if v.who == fencing.NotAsked || now.Sub(v.last) > v.counts() || v.last.Sub(v.first) < rivalGoesOn {
		return fencing.Nobody
	}
	return v.who
}

// macs are the addresses under which this node may answer for a virtual one: those of all
// interfaces it has to do with, since Linux answers on each for the addresses of all.
func (n *Node) macs() (list []fencing.MAC) {
	for _, r := range n.routers {
		for _, name := range r.cfg.Links() {
			mac := n.links[name].MAC
			if mac != (fencing.MAC{}) && !slices.Contains(list, mac) && len(list) < fencing.MaxMACs {
				list = append(list, mac)
			}
		}
	}
	return list
}

// stranger tells that a MAC address is not the other node's. As long as that one has not
// said which are its own, nobody is a stranger.
func (n *Node) stranger(mac string) bool {
	if !n.linked() || n.pulse == nil {
		return false
	}
	peer, _ := n.pulse.Peer()
	return len(peer.MACs) > 0 && !peer.AnswersAs(mac)
}

// identified says of who answers, or announces, whether it is the other node.
func (s *step) identified(r *router, ev vrrp.Event) vrrp.Event {
	switch ev := ev.(type) {
	case vrrp.Answered:
		ev.Stranger = s.stranger(ev.Holder)
		return ev
	case vrrp.Claimed:
		ev.Stranger = s.stranger(ev.By)
		s.contend(r, ev)
		return ev
	}
	return ev
}

// contend keeps who announces the addresses of an Active router, once everybody must have
// heard of that one. What comes back from this node itself, or bears the virtual MAC address of
// both, says nothing.
func (s *step) contend(r *router, ev vrrp.Claimed) {
	settled := r.machine.State() == vrrp.Active && s.now.Sub(r.since) > r.cfg.VRRP.DownInterval(r.cfg.VRRP.Interval)
	if !s.linked() || !settled || slices.ContainsFunc(s.mine, func(m fencing.MAC) bool { return m.String() == ev.By }) {
		return
	}
	who := fencing.ByPeer
	if ev.Stranger {
		who = fencing.ByStranger
	}
	r.arbitration.rival.announced(s.now, who, ev.By)
	s.touch(r)
}

// contested tells that a router would be Active, and waits for who answers for its addresses.
func (r *router) contested() bool { return r.cfg.VRRP.Patient && r.machine.Contest().Holder != "" }

// answer is who answers for the addresses, as far as it is for the arbiter to say what follows.
func (s *step) answer(r *router) fencing.Answer {
	if r.machine.State() == vrrp.Active {
		return s.rivalOf(r)
	}
	switch c := r.machine.Contest(); {
	case c.Holder == "":
		return fencing.Nobody
	case c.Stranger:
		return fencing.ByStranger
	}
	return fencing.ByPeer
}

// rivalOf is who announces the addresses of an Active router. The other node is none whose
// proxy does not answer: nothing would be won by leaving them there.
func (s *step) rivalOf(r *router) fencing.Answer {
	v := &r.arbitration.rival
	who := v.answer(s.now)
	if who != fencing.Nobody { // that ends by itself
		r.arbitration.checkAt = earlier(r.arbitration.checkAt, v.last.Add(v.counts()+1))
	}
	if who == fencing.ByPeer && s.peerProxy() == fencing.Lost {
		return fencing.Nobody
	}
	return who
}

// letGo tells that the kernel of the other node must have let go by itself, if its daemon
// did not run: address and gate have their time.
func (s *step) letGo(r *router) bool {
	c := r.machine.Contest()
	return c.Holder != "" && due(s.now, c.Until)
}

// contestSettles has a router taken whose addresses somebody answers for, when the arbiter
// says so. The gateway is asked with every probe, and answers soon.
func (s *step) contestSettles(r *router) {
	if s.linked() && r.contested() && !r.machine.Willing() && !s.doubtful(r) && s.mayTake([]*router{r}) {
		s.routerStep(r, vrrp.Overrule{})
	}
}

// says is what a rule is about, with who answers for the addresses.
func (n *Node) says(r *router, rule fencing.Rule) string {
	text := n.ruling(rule)
	mac := r.machine.Contest().Holder
	if r.machine.State() == vrrp.Active {
		mac = r.arbitration.rival.mac
	}
	switch rule {
	case fencing.RuleStranger, fencing.RulePeerAlive, fencing.RulePeerSick:
		if mac != "" {
			text += " (" + mac + ")"
		}
	}
	return text
}
