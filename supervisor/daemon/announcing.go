package daemon

import (
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// announcing is what is left of the announcements of a router: how many rounds, and which
// address is the next of this round.
type announcing struct {
	rounds int
	next   int
	until  time.Time // then it is given up
}

// When a hundred routers move at once, their announcements are more than the queue of an
// interface, or the patience of the loop, holds: a few are sent at a time, and what the
// queue does not take waits.
const (
	framesAtOnce  = 256 // some milliseconds
	announceAgain = 2 * time.Millisecond
	announceFor   = time.Second // a later one has its own timer
)

// announce has everybody told where a router's addresses are; a reminder once, else in a
// burst.
func (p *port) announce(r *served, reminder bool) {
	rounds := max(r.Burst, 1)
	if reminder {
		rounds = 1
	}
	if r.left.rounds == 0 {
		p.announcers = append(p.announcers, r)
		r.left = announcing{}
	}
	r.left.rounds = max(r.left.rounds, rounds)
	r.left.until = now().Add(announceFor)
}

// hush forgets what is left to announce of a router that gives its addresses up.
func (p *port) hush(r *served) { r.left.rounds = 0 }

// announceSome sends some of what is left, a round of one router after the other. It
// returns whose announcement was lost, if it was one, and why.
func (p *port) announceSome() (*served, error) {
	for frames := framesAtOnce; frames > 0 && len(p.announcers) > 0; frames-- {
		r := p.announcers[0]
		if r.left.rounds > 0 {
			err := p.announceNext(r)
			if busy(err) && now().Before(r.left.until) {
				p.announceAt = now().Add(announceAgain)
				return nil, nil
			}
			if err != nil {
				p.hush(r)
				p.announcers = p.announcers[1:]
				return r, err
			}
			if r.left.next > 0 {
				continue // the round is not over
			}
		}
		p.announcers = p.announcers[1:]
		if r.left.rounds > 0 {
			p.announcers = append(p.announcers, r)
		}
	}
	p.announceAt = now()
	return nil, nil
}

// busy tells that the interface's queue is full.
func busy(err error) bool { return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EAGAIN) }

// announceNext announces one address of a router.
func (p *port) announceNext(r *served) error {
	mac := p.link.MAC
	if r.mac != nil {
		mac = r.mac // never the interface's own (RFC 9568 8.1.2, 8.2.2)
	}
	a := &r.left
	if len(r.VRRP.Addresses) > 0 {
		if err := p.announceOne(r, r.VRRP.Addresses[a.next], mac); err != nil {
			return err
		}
		a.next++
	}
	if a.next >= len(r.VRRP.Addresses) {
		a.next = 0
		a.rounds--
	}
	return nil
}

// announceOne tells where one address is.
func (p *port) announceOne(r *served, a netip.Addr, mac []byte) error {
	n := p.neighboursOf(r)
	if n == nil {
		return nil
	}
	if err := n.Announce(a, mac); err != nil {
		return err
	}
	if arp, ok := n.(*vrrpnet.ARP); ok && r.Replies {
		return arp.AnnounceReply(a, mac)
	}
	return nil
}
