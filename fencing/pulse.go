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
	ended    bool // when Settle last looked: the other node's daemon
	clocks   Clocks
	stood    time.Duration // for how long our own clock stood still, not told yet
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
	if at := p.ends(); !at.IsZero() && !p.ended && at.Before(first) {
		first = at
	}
	for i := range p.links {
		if at := p.links[i].ends(p.hearing[i], p.cfg.Patience); !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// Session is this life of the daemon.
func (p *Pulse) Session() uint64 { return p.session }

// Due is when the next messages are to be sent; zero: there is no heartbeat.
func (p *Pulse) Due() time.Time { return p.next }

// Settle looks at what the links tell now, and says whether that has changed.
func (p *Pulse) Settle(now time.Time) (changed bool) {
	ends := p.ends()
	p.ended = !ends.IsZero() && !now.Before(ends)
	for i := range p.links {
		h := Silent
		if !p.ended {
			h = p.links[i].Hearing(now, p.cfg.Patience)
		}
		if h != p.hearing[i] {
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
	if fresh && anew {
		for i := range p.links {
			p.links[i].prove(h.Session, h.Sequence)
		}
	}
	if sent := p.links[link].sentAt(h.EchoSession, h.EchoSequence); !sent.IsZero() {
		if anew {
			p.clocks = Clocks{}
		}
		p.stood += p.clocks.Heard(now, sent, h.Uptime, p.cfg.Interval)
	}
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

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ends is from when the other node's daemon counts as ended: since anything was heard of it
// its kernel has said on a link that nobody listens, and a message is overdue. Zero: not so.
func (p *Pulse) ends() time.Time {
	var heard, refused time.Time
	for i := range p.links {
		heard, refused = latest(heard, p.links[i].heard), latest(refused, p.links[i].refuse)
	}
	if heard.IsZero() || !refused.After(heard) {
		return time.Time{}
	}
	return heard.Add(p.cfg.Interval + max(p.cfg.Interval/8, apart))
}

// Ended tells that the other node's daemon has ended while its host lives, as of when Settle
// last looked. That is not signed: it hastens a question and answers none.
func (p *Pulse) Ended() bool { return p.ended }

// Stood is for how long this node's clock has stood still, as the other one's tells, since it
// was last asked. Whatever was heard until now may be as old.
func (p *Pulse) Stood() time.Duration {
	stood := p.stood
	p.stood = 0
	return stood
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
	if cfg.Links == 0 {
		p.next = time.Time{}
	}
}
