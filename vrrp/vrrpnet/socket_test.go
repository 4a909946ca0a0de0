package vrrpnet

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The kernel begins to stamp a moment after the first socket asked for it.
func TestStampTellsWhenTheAdvertCame(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	for end := time.Now().Add(soon); ; {
		before := time.Now().Round(0)
		send(t, sa, addrA, group, 0x31, 7)
		readable(t, sb.FD())
		came := time.Now().Round(0)
		p := next(t, sb)
		if p.At.Before(before) {
			t.Fatalf("stamp %s, but sent after %s", p.At, before)
		}
		if !p.At.After(came) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("stamp %s, but there by %s", p.At, came)
		}
	}
}

func TestGarbageIsCarriedOrDroppedButHurtsNobody(t *testing.T) {
	_, a, b := pair(t)
	sa, sb := openSocket(t, a, 7), openSocket(t, b, 7)
	long := make([]byte, 1400)
	long[1] = 7
	send(t, sb, addrB, group)             // no message at all
	send(t, sb, addrB, group, 0x31)       // too short for a VRID
	send(t, sb, addrB, group, 0xff, 7)    // the codec's to refuse
	send(t, sb, addrB, group, long...)    // likewise
	send(t, sb, addrB, group, 0x31, 7, 1) // and one that is fine
	for _, want := range []int{2, 1400, 3} {
		if p := next(t, sa); len(p.Message) != want {
			t.Fatalf("message of %d bytes, want %d", len(p.Message), want)
		}
	}
}

func TestSocketsSayThatCapNetRawIsMissing(t *testing.T) {
	_, a, _ := pair(t)
	link := linkOf(t, a, "eth0")
	for name, open := range map[string]func() error{
		"VRRP":   func() error { _, err := Open(link, Over4, nil); return err },
		"IPv6":   func() error { _, err := Open(link, Over6, nil); return err },
		"AH":     func() error { _, err := Open(link, OverAH, nil); return err },
		"ARP":    func() error { _, err := OpenARP(link); return err },
		"NDP":    func() error { _, err := OpenNDP(link); return err },
		"frames": func() error { _, err := OpenFrames(link); return err },
	} {
		var err error
		a.Do(func() { without(t, unix.CAP_NET_RAW, func() { err = open() }) })
		var missing *MissingCapability
		if !errors.As(err, &missing) || missing.Name != "CAP_NET_RAW" || !strings.Contains(err.Error(), "eth0: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOpenSaysThatTheInterfaceIsNotThere(t *testing.T) {
	_, a, _ := pair(t)
	a.Do(func() {
		for _, over := range transports {
			s, err := Open(Link{Name: "eth9", Index: 99}, over, []uint8{7})
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), "eth9") {
				t.Errorf("%s: error %v", over, err)
			}
		}
	})
}

// A descriptor that stays readable would keep the polling thread busy for ever.
func TestSocketsFallSilentWhenTheInterfaceIsGone(t *testing.T) {
	_, a, _ := pair(t)
	s, arp := openSocket(t, a, 7), openARP(t, a, virtual)
	a.Run("ip", "link", "del", "eth0")
	if ok, err := s.Receive(new(Packet)); ok || err != nil {
		t.Errorf("advert: Receive = %t, %v", ok, err)
	}
	nothingMore(t, arp)
	fds := []unix.PollFd{{Fd: int32(s.FD()), Events: unix.POLLIN}, {Fd: int32(arp.FD()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 300); n != 0 || err != nil {
		t.Errorf("poll = %d, %v: %+v", n, err, fds)
	}
	if err := s.Send([]byte{0x31, 7}, vrrp.Envelope{Source: addrA, Destination: group}); err == nil {
		t.Error("sending worked")
	}
	if err := arp.Probe(virtual); err == nil {
		t.Error("probing worked")
	}
}
