package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// narrow is the neighbours behind an interface whose queue takes so many frames.
type narrow struct {
	vrrpnet.Neighbours
	room int
	said []string
}

func (n *narrow) Announce(a netip.Addr, _ net.HardwareAddr) error {
	if n.room == 0 {
		return fmt.Errorf("eth0: %w", unix.ENOBUFS)
	}
	n.room--
	n.said = append(n.said, a.String())
	return nil
}

func announcer(burst int, addresses ...string) *served {
	r := &served{Router: supervisor.Router{Name: addresses[0], Burst: burst}}
	for _, a := range addresses {
		r.VRRP.Addresses = append(r.VRRP.Addresses, netip.MustParseAddr(a))
	}
	r.VRRP.Version = vrrp.V3
	return r
}

func TestAnnouncementsOfManyRoutersTakeTurnsAndWaitForAFullQueue(t *testing.T) {
	n := &narrow{room: 4}
	p := &port{arp: n}
	one, two := announcer(2, "10.0.0.1", "10.0.0.2"), announcer(2, "10.0.0.3")
	p.announce(one, false)
	p.announce(two, false)
	want := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.3"}
	for _, room := range []int{0, 1, 5} {
		if r, err := p.announceSome(); r != nil || err != nil {
			t.Fatal(r, err)
		}
		if got := len(n.said); got > 0 && !slices.Equal(n.said, want[:got]) {
			t.Errorf("announced %v, want %v", n.said, want)
		}
		if n.room == 0 && len(n.said) < len(want) && !p.announceAt.After(now().Add(-announceAgain)) {
			t.Error("a full queue is not waited for")
		}
		n.room += room
	}
	if _, err := p.announceSome(); err != nil || !slices.Equal(n.said, want) || len(p.announcers) != 0 {
		t.Errorf("announced %v, %v, left %d, want %v", n.said, err, len(p.announcers), want)
	}
}

func TestAnAnnouncementThatTheQueueNeverTakesIsTold(t *testing.T) {
	n := &narrow{room: 1}
	p := &port{arp: n}
	lost, next := announcer(5, "10.0.0.1"), announcer(1, "10.0.0.3")
	p.announce(lost, false)
	_, _ = p.announceSome()
	lost.left.until = now().Add(-time.Millisecond)
	p.announce(next, true)
	r, err := p.announceSome()
	if r != lost || err == nil || !strings.Contains(err.Error(), "no buffer space") {
		t.Errorf("told of %v: %v", r, err)
	}
	n.room = 100
	if r, err := p.announceSome(); r != nil || err != nil || !slices.Equal(n.said, []string{"10.0.0.1", "10.0.0.3"}) {
		t.Errorf("announced %v, told of %v: %v", n.said, r, err)
	}
}

func TestWhoGaveItsAddressUpAnnouncesItNoMore(t *testing.T) {
	n := &narrow{room: 1}
	p := &port{arp: n}
	gone, stays := announcer(5, "10.0.0.1"), announcer(2, "10.0.0.3")
	p.announce(gone, false)
	p.announce(stays, false)
	_, _ = p.announceSome()
	p.hush(gone)
	n.room = 100
	_, _ = p.announceSome()
	if want := []string{"10.0.0.1", "10.0.0.3", "10.0.0.3"}; !slices.Equal(n.said, want) {
		t.Errorf("announced %v, want %v", n.said, want)
	}
	p.announce(gone, false) // and anew
	_, _ = p.announceSome()
	if len(n.said) != 8 || len(p.announcers) != 0 {
		t.Errorf("announced %v", n.said)
	}
}

func TestAThousandAnnouncementsAreSentAFewAtATime(t *testing.T) {
	n := &narrow{room: 1 << 20}
	p := &port{arp: n}
	for i := range 1000 {
		p.announce(announcer(5, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String()), false)
	}
	last := 0
	for len(p.announcers) > 0 {
		if _, err := p.announceSome(); err != nil {
			t.Fatal(err)
		}
		if sent := len(n.said) - last; sent > framesAtOnce || sent == 0 {
			t.Fatalf("%d frames at once", sent)
		}
		last = len(n.said)
	}
	first := map[string]bool{}
	for _, a := range n.said[:1000] {
		first[a] = true
	}
	if last != 5000 || len(first) != 1000 {
		t.Errorf("%d frames; the first thousand are of %d addresses", last, len(first))
	}
}
