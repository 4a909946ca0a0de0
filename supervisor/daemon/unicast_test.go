package daemon_test

import (
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// sendTo sends a VRRP message to one host, with a TTL.
func sendTo(t *testing.T, msg []byte, to string, ttl int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrp.Protocol)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, ttl)
	if err := unix.Sendto(fd, msg, 0, &unix.SockaddrInet4{Addr: netip.MustParseAddr(to).As4()}); err != nil {
		t.Error(err)
	}
}

// better is an advert by unicast of somebody with a higher priority than all.
func better(t *testing.T, from, to string) []byte {
	t.Helper()
	f := vrrp.Format{Version: vrrp.V3, VRID: 50, Peers: []vrrp.Peer{{Address: netip.MustParseAddr(to)}}}
	ad := vrrp.Advert{Version: vrrp.V3, VRID: 50, Priority: 200, Interval: 200 * time.Millisecond, Addresses: []netip.Addr{netip.MustParseAddr(vip)}}
	msg, err := f.Append(nil, &ad, vrrp.Envelope{Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr(to), TTL: 255})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestT20UnicastOfWhoIsNoPeerMovesNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		host, from, reason string
		ttl                int
	}{
		"a third host":    {"third", "10.0.0.7", "source", 255},
		"from far away":   {"lb02", "10.0.0.2", "ttl", 100},
		"a third, by TTL": {"third", "10.0.0.7", "source", 64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			n := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", twoNodes+router("web", 50, "10.0.0.3/24", "unicast: {min_ttl: 255}"))
			n.is("ACTIVE")
			moves := n.moves()
			from := lab.Host(c.host, c.from+"/24")
			msg := better(t, c.from, "10.0.0.1")
			n.await("refused", func(r daemon.RouterStatus) bool {
				from.Do(func() { sendTo(t, msg, "10.0.0.1", c.ttl) })
				for _, x := range r.Adverts.Refused {
					if x.From == c.from && x.Count > 3 {
						if x.Remedy == "" || x.Reason != c.reason {
							t.Errorf("%+v, want %s", x, c.reason)
						}
						return true
					}
				}
				return false
			})
			if n.is("ACTIVE"); n.moves() != moves {
				t.Error("it moved")
			}
		})
	}
}

// The peer's address is not what the file says: each hears what it must refuse, or nothing.
func TestAWrongPeerAddressIsShown(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	conf := twoNodes + router("web", 50, "10.0.0.3/24", "unicast: true")
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf)
	a.is("ACTIVE")
	b := start(t, lab.Host("lb02", "10.0.0.22/24"), "lb02", conf) // not 10.0.0.2
	b.is("ACTIVE")                                                // nothing is sent to it
	s := a.await("refused", func(r daemon.RouterStatus) bool { return len(r.Adverts.Refused) > 0 })
	if x := s.Adverts.Refused[0]; x.From != "10.0.0.22" || x.Remedy == "" || len(s.Adverts.Refused) != 1 {
		t.Errorf("%+v", s.Adverts.Refused)
	}
	a.says("adverts of 10.0.0.22 on eth0 refused (" + s.Adverts.Refused[0].Reason + ")")
}

// T56: the peer is taken from the list by a reload, and put back.
func TestT56APeerThatDropsOutOfTheUnicastListTakesOverAndYields(t *testing.T) {
	t.Parallel()
	conf := twoNodes + router("web", 50, "10.0.0.3/24", "unicast: true")
	d := startDuo(t, conf)
	cable := d.nodes[1].host.Cable("eth0")
	cable.Detach()
	d.nodes[1].is("ACTIVE")
	cable.Attach()
	d.nodes[1].is("BACKUP")
	d.nodes[0].is("ACTIVE")
	d.nodes[0].reloads(twoNodes + router("web", 50, "10.0.0.3/24"))
	d.nodes[1].is("ACTIVE") // to it nobody speaks any more
	s := d.nodes[0].await("refused", func(r daemon.RouterStatus) bool { return len(r.Adverts.Refused) > 0 })
	if s.Adverts.Refused[0].From != "10.0.0.2" || s.Adverts.Refused[0].Remedy == "" {
		t.Errorf("%+v", s.Adverts.Refused)
	}
	d.nodes[0].reloads(conf)
	d.nodes[1].is("BACKUP")
	d.nodes[0].is("ACTIVE")
	d.answers(t, vip)
}
