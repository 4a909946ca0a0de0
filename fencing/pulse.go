package fencing

import "time"

// PulseConfig is the heartbeat between the two nodes.
type PulseConfig struct {
	Node, Peer string
	Links      int           // how many there are; 0: there is no heartbeat
	Interval   time.Duration // between two messages on a link
	Patience   time.Duration // after which a link is silent
}

// Pulse keeps the heartbeat: it says when to send what on which link, and what the links
// together tell of the other node. It is a plain value without a clock.
type Pulse struct {
	cfg      PulseConfig
	session  uint64
	sequence uint64
	next     time.Time // when to send; zero: not begun
	last     time.Time // when was sent
	links    []Link
	hearing  []Hearing // of each link, when Settle last looked
	peer     Heartbeat // the newest one that was fresh
	peerAt   time.Time
}

// Beat is a message for one link; the sender's own state is for the Node to fill in.
type Beat struct {
	Link      int
	Heartbeat Heartbeat
}

// NewPulse returns a pulse that has not begun. The session is drawn at random for each life
// of the daemon; it is not 0.
func NewPulse(cfg PulseConfig, session uint64) *Pulse {
	return &Pulse{cfg: cfg, session: max(session, 1), links: make([]Link, cfg.Links), hearing: make([]Hearing, cfg.Links)}
}

// Deadline is when Beats is due, or Settle: a link falls silent. Zero: there is no
// heartbeat.
func (p *Pulse) Deadline() time.Time {
	first := p.next
	for i := range p.links {
		if at := p.links[i].ends(p.hearing[i], p.cfg.Patience); !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// Due is when the next messages are to be sent; zero: there is no heartbeat.
func (p *Pulse) Due() time.Time { return p.next }

// Settle looks at what the links tell now, and says whether that has changed.
func (p *Pulse) Settle(now time.Time) (changed bool) {
	for i := range p.links {
		if h := p.links[i].Hearing(now, p.cfg.Patience); h != p.hearing[i] {
			p.hearing[i], changed = h, true
		}
	}
	return changed
}

// Begin lets the pulse start.
func (p *Pulse) Begin(now time.Time) {
	if p.cfg.Links > 0 {
		p.next = now
	}
}

// apart is how much time there is between two messages at the least.
const apart = 5 * time.Millisecond

// Hasten sends the next messages soon: something has changed that the other node should
// know.
func (p *Pulse) Hasten(now time.Time) {
	if soon := p.last.Add(apart); !p.next.IsZero() && soon.Before(p.next) {
		p.next = soon
		if soon.Before(now) {
			p.next = now
		}
	}
}

// Beats are the messages that are due, with what is said in all of them.
func (p *Pulse) Beats(now time.Time, say Heartbeat) []Beat {
	if p.next.IsZero() || now.Before(p.next) {
		return nil
	}
	p.next, p.last = now.Add(p.cfg.Interval), now
	beats := make([]Beat, len(p.links))
	for i := range p.links {
		p.sequence++
		h := say
		h.Node, h.Session, h.Sequence = p.cfg.Node, p.session, p.sequence
		h.EchoSession, h.EchoSequence = p.links[i].Echo()
		p.links[i].Sent(now, p.session, p.sequence)
		beats[i] = Beat{Link: i, Heartbeat: h}
	}
	return beats
}

// Heard takes a message that is signed. What it says counts if it is the newest of a session
// that was once proven.
func (p *Pulse) Heard(now time.Time, link int, h *Heartbeat) Refusal {
	switch {
	case link < 0 || link >= len(p.links):
		return RefusalStranger
	case h.Node == p.cfg.Node:
		return RefusalOwn
	case h.Node != p.cfg.Peer:
		return RefusalStranger
	}
	fresh, r := p.links[link].Received(now, h, p.cfg.Patience)
	if r != "" {
		return r
	}
	anew := h.Session != p.peer.Session
	if h.Sequence > p.peer.Sequence && !anew || fresh && anew {
		claims, macs := append(p.peer.Claims[:0], h.Claims...), append(p.peer.MACs[:0], h.MACs...)
		p.peer, p.peerAt = *h, now
		p.peer.Claims, p.peer.MACs = claims, macs
	}
	return ""
}

// Refused tells that nobody listens at the other end of a link.
func (p *Pulse) Refused(now time.Time, link int) {
	if link >= 0 && link < len(p.links) {
		p.links[link].Refused(now)
	}
}

// Gone tells since when no link has had anybody listening at its other end, which its
// kernel says: the other node's daemon has ended, its host lives. Zero: not so.
func (p *Pulse) Gone() time.Time {
	var since time.Time
	for i := range p.links {
		at := p.links[i].RefusedSince()
		if at.IsZero() {
			return time.Time{}
		}
		if at.After(since) {
			since = at
		}
	}
	return since
}

// Hearing is the best that any link told when Settle last looked.
func (p *Pulse) Hearing() Hearing {
	best := Silent
	for _, h := range p.hearing {
		best = max(best, h)
	}
	return best
}

// LinkView is what is known of one link.
type LinkView struct {
	Hearing   Hearing
	Heard     time.Time     // the last message; zero: none
	RoundTrip time.Duration // of the last answer, with what the other node waited before it
}

// Link is what is known of one link.
func (p *Pulse) Link(i int) LinkView {
	return LinkView{Hearing: p.hearing[i], Heard: p.links[i].heard, RoundTrip: p.links[i].rtt}
}

// Proven is when the newest message of ours was sent that the other node has got for
// certain; zero: none.
func (p *Pulse) Proven() time.Time {
	var newest time.Time
	for i := range p.links {
		if at := p.links[i].proven; at.After(newest) {
			newest = at
		}
	}
	return newest
}

// Peer is the newest heartbeat that counted, and when it came; the zero time: none has.
func (p *Pulse) Peer() (*Heartbeat, time.Time) { return &p.peer, p.peerAt }

// Retuned goes on with another configuration. Links that are others begin anew.
func (p *Pulse) Retuned(cfg PulseConfig, others bool) {
	p.cfg = cfg
	if others {
		p.links, p.hearing = make([]Link, cfg.Links), make([]Hearing, cfg.Links)
	}
}
