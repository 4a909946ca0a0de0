package vrrp

import (
	"net/netip"
	"testing"
	"time"
)

func TestT01GroupsAndProtocolAreThoseOfTheRFC(t *testing.T) {
	if Group4 != netip.MustParseAddr("224.0.0.18") || Group6 != netip.MustParseAddr("ff02::12") || Protocol != 112 {
		t.Errorf("%s, %s, protocol %d", Group4, Group6, Protocol)
	}
}

func TestT10T20PathOfAPacket(t *testing.T) {
	const us, peer, limited, stranger = "10.0.0.6", "10.0.0.5", "10.0.0.7", "10.0.0.8"
	peers := []Peer{
		{Address: netip.MustParseAddr(peer)},
		{Address: netip.MustParseAddr(limited), MinTTL: 250, MaxTTL: 252},
	}
	multicast := v3Format()
	unicast := v3Format()
	unicast.Peers = peers
	any := unicast
	any.AnySource = true
	for _, tc := range []struct {
		name     string
		format   Format
		from, to string
		ttl      uint8
		want     Refusal
	}{
		{"T01 multicast", multicast, peer, "224.0.0.18", 255, ""},
		{"T01 another group", multicast, peer, "224.0.0.99", 255, ""},
		{"T10 multicast from another link", multicast, peer, "224.0.0.18", 254, RefusalTTL},
		{"unicast without peers", multicast, peer, us, 255, RefusalDestination},
		{"multicast with peers", unicast, peer, "224.0.0.18", 255, RefusalDestination},
		{"multicast with peers and any source", any, stranger, "224.0.0.18", 255, RefusalDestination},
		{"T20 a peer", unicast, peer, us, 255, ""},
		{"T20 a peer in IPv6 notation", unicast, "::ffff:10.0.0.5", "::ffff:10.0.0.6", 255, ""},
		{"T20 a peer without limits, far away", unicast, peer, us, 1, ""},
		{"T20 no peer", unicast, stranger, us, 255, RefusalSource},
		{"T20 no peer, from far away", unicast, stranger, us, 1, RefusalSource},
		{"T20 any source", any, stranger, us, 255, ""},
		{"T20 any source, but from far away", any, stranger, us, 254, RefusalTTL},
		{"a peer above its limits", unicast, limited, us, 253, RefusalTTL},
		{"a peer at its upper limit", unicast, limited, us, 252, ""},
		{"a peer at its lower limit", unicast, limited, us, 250, ""},
		{"a peer below its limits", unicast, limited, us, 249, RefusalTTL},
		{"a peer below its limits, with any source", any, limited, us, 249, RefusalTTL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := Envelope{Source: netip.MustParseAddr(tc.from), Destination: netip.MustParseAddr(tc.to), TTL: tc.ttl}
			b := mustAppend(t, tc.format, advertOf(time.Second, "10.0.0.3"), env)
			var ad Advert
			if r := tc.format.Parse(&ad, b, env); r != tc.want {
				t.Errorf("want %q, got %q", tc.want, r)
			}
		})
	}
}

// A socket says on which interface a link-local address is; a configuration need not.
func TestT20LinkLocalPeersAreComparedWithoutZone(t *testing.T) {
	f := v3Format()
	f.Peers = []Peer{{Address: netip.MustParseAddr("fe80::5")}, {Address: netip.MustParseAddr("fe80::7%eth0")}}
	for _, from := range []string{"fe80::5%eth0", "fe80::5", "fe80::7", "fe80::7%eth1"} {
		env := Envelope{Source: netip.MustParseAddr(from), Destination: netip.MustParseAddr("fe80::6%eth0"), TTL: 255}
		b := mustAppend(t, f, advertOf(time.Second, "fe80::3"), env)
		var ad Advert
		if r := f.Parse(&ad, b, env); r != "" {
			t.Errorf("%s: %s", from, r)
		}
	}
}

// keepalived 2.2.7 leaves the hop limit of IPv6 unicast to the kernel, which sends 64.
func TestT20PeerWithoutLimitsMayBeKeepalivedOverIPv6(t *testing.T) {
	r := recordedAdvert(t, "v3-ipv6-unicast")
	r.envelope.TTL = 64
	var ad Advert
	if got := r.format.Parse(&ad, r.message, r.envelope); got != "" {
		t.Errorf("without limits: %s", got)
	}
	r.format.Peers[0].MinTTL = 255
	if got := r.format.Parse(&ad, r.message, r.envelope); got != RefusalTTL {
		t.Errorf("with 255 wanted: %q", got)
	}
}
