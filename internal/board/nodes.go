package board

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

var verdictLevels = map[string]Level{"healthy": Good, "degraded": Warn, "failed": Bad, "unknown": Plain}

// here is the node that tells.
func here(s *daemon.Status, now time.Time) Node {
	n := Node{Name: s.Node, Here: true, Level: verdictLevels[s.Health.Verdict], State: s.Health.Verdict + lasting(now, s.Health.Since)}
	if s.Health.Why != "" {
		n.Facts = append(n.Facts, s.Health.Why)
	}
	n.Facts = append(n.Facts, modesOf(s, s.Node)...)
	if h := s.Heartbeat; h != nil {
		n.Facts = append(n.Facts, gateway(h.Gateway))
	}
	n.Facts = append(n.Facts, fmt.Sprintf("pairkeeper %s, running for %s", s.Version, Age(now, s.Started)))
	return n
}

// there is the other node, of which little is known but what it says.
func there(s *daemon.Status, now time.Time) Node {
	n := Node{Name: s.Peer, Level: Plain}
	h := s.Heartbeat
	switch {
	case h == nil:
		n.adverts(s, now)
		return n
	case h.Peer == nil:
		n.Level, n.State = Bad, "not heard by heartbeat yet"
		return n
	}
	n.State = h.Peer.Class
	switch {
	case !speaks(h):
		n.Level, n.State = Bad, "silent for "+Age(now, h.Peer.Heard)
		n.Facts = append(n.Facts, "it was "+h.Peer.Class)
		n.Facts = append(n.Facts, fmt.Sprintf("pairkeeper %s", h.Peer.Version))
		return n
	case h.Peer.Class == "able":
		n.Level = Good
	case h.Peer.Class == "maintenance":
		n.Level = Warn
	default:
		n.Level = Bad
	}
	n.Facts = append(n.Facts, modesOf(s, s.Peer)...)
	n.Facts = append(n.Facts, gateway(h.Peer.Gateway), fmt.Sprintf("pairkeeper %s, heard %s ago", h.Peer.Version, Age(now, h.Peer.Heard)))
	return n
}

// adverts are all there is to know where there is no heartbeat.
func (n *Node) adverts(s *daemon.Status, now time.Time) {
	n.State, n.Facts = "not heard", []string{"there is no heartbeat: only a holder's adverts tell of it"}
	var last time.Time
	for _, r := range s.Routers {
		if r.Peer != nil && r.Peer.Heard.After(last) {
			last = r.Peer.Heard
		}
	}
	if !last.IsZero() {
		n.State = "advertised " + Age(now, last) + " ago"
	}
}

// speaks tells that some link carries what the other node says.
func speaks(h *daemon.HeartbeatStatus) bool {
	for _, l := range h.Links {
		if l.State != "silent" {
			return true
		}
	}
	return false
}

var gatewayWords = map[string]string{
	"": "gateway not asked", "answers": "gateway answers", "lost": "gateway does not answer", "doubtful": "gateway may have been lost",
}

func gateway(word string) string { return gatewayWords[word] }

func modesOf(s *daemon.Status, node string) (list []string) {
	for _, m := range s.Modes {
		if m.Node != node {
			continue
		}
		if m.Mode == "freeze" {
			list = append(list, "frozen")
		} else {
			list = append(list, "in maintenance")
		}
	}
	return list
}

var roleWords = map[string]string{"out": "takes no part", "standby": "stands by", "holds": "holds the addresses"}

// router is what a virtual router is on both nodes.
func router(s *daemon.Status, r *daemon.RouterStatus, now time.Time) Router {
	out := Router{Name: r.Name, Addresses: r.Addresses, Level: Good, Here: stateWord(r) + fmt.Sprintf(", priority %d", r.Priority)}
	out.There = "not known"
	claims := r.Claim != nil && s.Heartbeat != nil && speaks(s.Heartbeat)
	if claims {
		out.There = fmt.Sprintf("%s, priority %d", roleWords[r.Claim.Role], r.Claim.Priority)
	} else if advertised(r, now) {
		out.There = fmt.Sprintf("advertises from %s, priority %d", r.Peer.Address, r.Peer.Priority)
	}
	theirs := claims && r.Claim.Role == "holds" || !claims && advertised(r, now) && r.State != "ACTIVE"
	switch mine := r.State == "ACTIVE"; {
	case mine && theirs:
		out.Level, out.Holder, out.Since = Bad, "held by both nodes", lasting(now, r.Since)
	case mine:
		out.Holder, out.Since = "held by "+s.Node, lasting(now, r.Since)
	case theirs:
		out.Holder = "held by " + s.Peer
		if advertised(r, now) {
			out.Since = peerSince(s, r, now)
		}
	case advertised(r, now):
		out.Level, out.Holder = Bad, "held by neither node, but "+r.Peer.Address+" advertises it"
	default:
		out.Level, out.Holder = Bad, "nobody is known to hold it"
	}
	if out.Level == Good && r.State == "FAULT" {
		out.Level = Warn
	}
	if s.Heartbeat != nil {
		out.Arbiter = "has nothing to decide"
	}
	if a := r.Arbiter; a != nil {
		out.Arbiter = fmt.Sprintf("%s (%s%s)", a.Words, a.Rule, lasting(now, a.Since))
		if a.Text != "" && out.Level == Good {
			out.Level = Warn
		}
	}
	return out
}

// late is how old an advert may be before the next one is overdue.
const late = 2 * time.Second

// advertised tells that the other node's adverts come.
func advertised(r *daemon.RouterStatus, now time.Time) bool {
	if r.Peer == nil || r.Peer.Priority == 0 || r.State == "ACTIVE" && r.Peer.Heard.Before(r.Since) {
		return false
	}
	interval, _ := time.ParseDuration(r.Interval)
	return now.Sub(r.Peer.Heard) < late+3*interval
}

// peerSince is for how long the other node has been heard to hold. A daemon that found it so
// when it began says "at least".
func peerSince(s *daemon.Status, r *daemon.RouterStatus, now time.Time) string {
	since := r.Peer.Since
	if since.IsZero() {
		return ""
	}
	if since.Sub(s.Started) < late {
		return " for at least " + Age(now, since)
	}
	return lasting(now, since)
}

func stateWord(r *daemon.RouterStatus) string {
	if r.Reason == "" {
		return r.State
	}
	return r.State + " (" + r.Reason + ")"
}
