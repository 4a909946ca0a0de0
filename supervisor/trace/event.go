package trace

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The forms of an event.
const (
	formNamed  = iota // by the names of its fields
	formTick          // nothing more
	formAdvert        // supervisor.RouterEvent with a vrrp.Received
	formBeat          // supervisor.HeartbeatHeard, without what each has another: see counts
)

// event appends an event without what counts says of it.
func (tb *table) event(b []byte, ev supervisor.Event) []byte {
	switch ev := ev.(type) {
	case supervisor.Tick:
		return append(b, formTick)
	case supervisor.RouterEvent:
		if r, ok := ev.Event.(vrrp.Received); ok {
			return appendAdvert(append(b, formAdvert), ev.Router, &r)
		}
	case supervisor.HeartbeatHeard:
		if usual(ev.Heartbeat) {
			return appendBeat(append(b, formBeat), &ev)
		}
	}
	return tb.value(append(b, formNamed), ev)
}

// event reads an event; nil: this version does not know it.
func (s *Segment) event(r *reader) supervisor.Event {
	switch r.byte() {
	case formTick:
		return supervisor.Tick{}
	case formAdvert:
		return r.advert()
	case formBeat:
		return r.beat()
	case formNamed:
		var ev supervisor.Event
		s.named(r, &ev)
		return ev
	}
	r.fail("an event of an unknown form")
	return nil
}

// appendAdvert leaves the sequence out: it was judged before the Node was told.
func appendAdvert(b []byte, router string, r *vrrp.Received) []byte {
	b = appendText(b, router)
	b = appendAddr(b, r.From)
	b = append(b, byte(r.Advert.Version), r.Advert.VRID, r.Advert.Priority)
	b = appendInt(b, int64(r.Advert.Interval))
	return appendAddrs(b, r.Advert.Addresses)
}

func (r *reader) advert() supervisor.Event {
	ev := supervisor.RouterEvent{Router: r.text()}
	in := vrrp.Received{From: r.addr()}
	in.Advert.Version, in.Advert.VRID, in.Advert.Priority = vrrp.Version(r.byte()), r.byte(), r.byte()
	in.Advert.Interval = time.Duration(r.int())
	in.Advert.Addresses = r.addrs()
	ev.Event = in
	return ev
}

// appendAddr appends an address, with its length and its zone.
func appendAddr(b []byte, a netip.Addr) []byte {
	at := len(b)
	b, _ = a.AppendBinary(append(b, 0)) // never fails
	n := len(b) - at - 1
	if n > 0xff {
		return append(b[:at], 0) // a zone that no interface has
	}
	b[at] = byte(n)
	return b
}

func (r *reader) addr() (a netip.Addr) {
	if a.UnmarshalBinary(r.bytes(int(r.byte()))) != nil {
		r.fail("an address that is none")
	}
	return a
}

// appendAddrs writes nil otherwise than empty.
func appendAddrs(b []byte, list []netip.Addr) []byte {
	if list == nil {
		return append(b, 0)
	}
	b = appendUint(b, uint64(len(list))+1)
	for _, a := range list {
		b = appendAddr(b, a)
	}
	return b
}

func (r *reader) addrs() []netip.Addr {
	n, ok := r.elements()
	if !ok {
		return nil
	}
	list := make([]netip.Addr, 0, n)
	for range n {
		list = append(list, r.addr())
	}
	return list
}

// elements is how many follow, each of a byte at least; false: it is nil.
func (r *reader) elements() (int, bool) {
	n := r.uint()
	if n == 0 {
		return 0, false
	}
	if n-1 > uint64(r.rest()) {
		r.fail("a record counts more than it has")
		return 0, false
	}
	return int(n - 1), true
}

// The bits of a claim.
const (
	claimHears = 1 << iota
	claimLong
	claimAsks
	claimHeldOff
	claimFavoured
	claimMoves
)

// usual tells that a heartbeat has only what appendBeat writes: no wish of an operator, no
// restart.
func usual(h *fencing.Heartbeat) bool {
	var none fencing.Notice
	return h.Maintenance == none && h.Freeze == none && h.Restarts == 0 && h.Order == fencing.Order{} && h.Consent == fencing.Consent{}
}

func appendBeat(b []byte, ev *supervisor.HeartbeatHeard) []byte {
	h := ev.Heartbeat
	b = appendInt(b, int64(ev.Link))
	b = binary.LittleEndian.AppendUint64(b, ev.Proxy)
	b = appendText(appendText(b, h.Node), h.Version)
	for _, n := range []uint64{h.Session, h.EchoSession, h.Config, h.Proxy} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = append(b, byte(h.Class), byte(h.Gateway))
	if h.MACs == nil {
		b = append(b, 0)
	} else {
		b = appendUint(b, uint64(len(h.MACs))+1)
	}
	for _, m := range h.MACs {
		b = append(b, m[:]...)
	}
	if h.Claims == nil {
		return append(b, 0)
	}
	b = appendUint(b, uint64(len(h.Claims))+1)
	for i := range h.Claims {
		c := &h.Claims[i]
		b = binary.LittleEndian.AppendUint32(b, c.Router)
		b = append(b, byte(c.Role), c.Priority, bit(c.Hears, claimHears)|bit(c.Long, claimLong)|bit(c.Asks, claimAsks)|
			bit(c.HeldOff, claimHeldOff)|bit(c.Favoured, claimFavoured)|bit(c.Moves, claimMoves))
	}
	return b
}

func bit(set bool, b byte) byte {
	if set {
		return b
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) beat() supervisor.Event {
	ev := supervisor.HeartbeatHeard{Link: int(r.int()), Proxy: r.u64(), Heartbeat: &fencing.Heartbeat{}}
	h := ev.Heartbeat
	h.Node, h.Version = r.text(), r.text()
	h.Session, h.EchoSession, h.Config, h.Proxy = r.u64(), r.u64(), r.u64(), r.u64()
	h.Class, h.Gateway = fencing.Class(r.byte()), fencing.Reach(r.byte())
	if n, ok := r.elements(); ok {
		h.MACs = []fencing.MAC{}
		for range n {
			var m fencing.MAC
			copy(m[:], r.bytes(len(m)))
			h.MACs = append(h.MACs, m)
		}
	}
	if n, ok := r.elements(); ok {
		h.Claims = []fencing.Claim{}
		for range n {
			h.Claims = append(h.Claims, r.claim())
		}
	}
	return ev
}

func (r *reader) claim() (c fencing.Claim) {
	b := r.bytes(7)
	if b == nil {
		return c
	}
	flags := b[6]
	return fencing.Claim{
		Router: binary.LittleEndian.Uint32(b), Role: fencing.Role(b[4]), Priority: b[5],
		Hears: flags&claimHears != 0, Long: flags&claimLong != 0, Asks: flags&claimAsks != 0, HeldOff: flags&claimHeldOff != 0,
		Favoured: flags&claimFavoured != 0, Moves: flags&claimMoves != 0,
	}
}

// counts are what every heartbeat has another: written as the difference to the one before
// on the link.
type counts [5]int64

func countsOf(ev *supervisor.HeartbeatHeard) counts {
	h := ev.Heartbeat
	return counts{int64(h.Sequence), int64(h.EchoSequence), int64(h.Uptime), h.Clock, int64(ev.Ahead)}
}

func (c counts) give(ev *supervisor.HeartbeatHeard) {
	h := ev.Heartbeat
	h.Sequence, h.EchoSequence, h.Uptime, h.Clock = uint64(c[0]), uint64(c[1]), time.Duration(c[2]), c[3]
	ev.Ahead = time.Duration(c[4])
}

// beats are the last counts of each link.
type beats map[int]counts

func (l beats) append(b []byte, ev *supervisor.HeartbeatHeard) []byte {
	last, now := l[ev.Link], countsOf(ev)
	l[ev.Link] = now
	for i := range now {
		b = appendInt(b, now[i]-last[i])
	}
	return b
}

func (l beats) read(r *reader, ev *supervisor.HeartbeatHeard) {
	c := l[ev.Link]
	for i := range c {
		c[i] += r.int()
	}
	l[ev.Link] = c
	c.give(ev)
}
