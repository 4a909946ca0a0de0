package packetfilter

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

var (
	here  = netip.MustParseAddr("10.9.0.1")
	there = netip.MustParseAddr("10.9.0.2")
)

const heartbeatPort = 694

// advert and beat are what comes in from the other host.
func advert() Packet {
	return Packet{Interface: "eth0", From: there, To: here, Protocol: 112, States: []string{"new"}}
}

func beat() Packet {
	return Packet{Interface: "eth0", From: there, To: here, Protocol: 17, FromPort: heartbeatPort, ToPort: heartbeatPort, States: []string{"new", "established"}}
}

// rulesets with what is to be said of an advert and of a heartbeat that come in.
var rulesets = []struct {
	name, rules   string
	advert, beat  Judgement
	blame, doubts string // of the advert: text of the rule, or the chain with its policy
}{
	{"no rule at all", ``, Passes, Passes, "", ""},
	{"a policy without rules", `table inet f { chain in { type filter hook input priority 0; policy drop; }; }`, Blocked, Blocked, "policy of in", ""},
	{"a policy, and VRRP accepted", `table inet f { chain in { type filter hook input priority 0; policy drop
		ip protocol 112 accept
	}
	}`, Passes, Blocked, "", ""},
	{"an explicit drop by name", `table inet f { chain in { type filter hook input priority 0; meta l4proto { icmp, vrrp } drop
	}
	}`, Blocked, Passes, "meta l4proto { icmp, vrrp } drop", ""},
	{"by source in a set", `table ip f { set peers { type ipv4_addr; flags interval; elements = { 10.9.0.0/30, 10.9.1.1 } }
		chain in { type filter hook input priority 0; ip saddr @peers counter drop
	}
	}`, Blocked, Blocked, "ip saddr @peers counter drop", ""},
	{"another source", `table ip f { chain in { type filter hook input priority 0; ip saddr != 10.9.0.2 drop
	}
	}`, Passes, Passes, "", ""},
	{"ports in a chain that is jumped to", `table inet f {
		chain ports { udp dport { 53, 690-700 } accept; }
		chain in { type filter hook input priority 0; policy drop; iifname vmap { "lo" : accept, "eth0" : jump ports }
	}
	}`, Blocked, Passes, "policy of in", ""},
	{"a return", `table inet f {
		chain most { ip protocol 112 return
			drop
		}
		chain in { type filter hook input priority 0; goto most
	}
	}`, Passes, Blocked, "", ""},
	{"an earlier chain of another table", `table ip first { chain in { type filter hook input priority -10; udp dport 694 reject
		}
		}
		table inet f { chain in { type filter hook input priority 0; policy accept; }; }`, Passes, Blocked, "", ""},
	{"an accept ends only its own chain", `table ip first { chain in { type filter hook input priority -10; accept
		}
		}
		table inet f { chain in { type filter hook input priority 0; policy drop; }; }`, Blocked, Blocked, "policy of in", ""},
	{"prerouting", `table inet f { chain pre { type filter hook prerouting priority raw; iifname "eth0" meta l4proto 112 drop
	}
	}`, Blocked, Passes, "iifname eth0 meta l4proto vrrp drop", ""},
	{"ingress of the device", `table netdev f { chain in { type filter hook ingress device "eth0" priority 0; ip protocol udp drop
	}
	}`, Passes, Blocked, "", ""},
	{"IPv6 does not concern IPv4", `table inet f { chain in { type filter hook input priority 0; meta nfproto ipv6 drop
		ip6 nexthdr 112 drop
	}
	}`, Passes, Passes, "", ""},
	{"a limit is uncertain", `table inet f { chain in { type filter hook input priority 0; policy drop; ip protocol 112 limit rate 1000/second accept
	}
	}`, MayBeBlocked, Blocked, "policy of in", "ip protocol vrrp limit accept"},
	{"what is not understood is uncertain", `table inet f { chain in { type filter hook input priority 0; ip dscp cs6 drop
	}
	}`, MayBeBlocked, MayBeBlocked, "ip dscp cs6 drop", ""},
	{"an uncertain return", `table inet f { chain in { type filter hook input priority 0; ip dscp cs0 return
		drop
	}
	}`, MayBeBlocked, MayBeBlocked, "drop", ""},
	{"what firewalld writes", `table inet firewalld {
		chain filter_IN_public_allow { tcp dport 22 ct state { new, untracked } accept
			udp dport 694 ct state { new, untracked } accept
		}
		chain filter_IN_public { jump filter_IN_public_allow
			meta l4proto { icmp, ipv6-icmp } accept
			reject with icmpx type admin-prohibited
		}
		chain filter_INPUT_ZONES { iifname "eth0" goto filter_IN_public
			goto filter_IN_public
		}
		chain filter_INPUT { type filter hook input priority filter + 10; policy accept
			ct state { established, related } accept
			ct status dnat accept
			iifname "lo" accept
			ct state { invalid } drop
			jump filter_INPUT_ZONES
			reject with icmpx type admin-prohibited
		}
	}`, Blocked, Passes, "reject", ""},
	{"the other protocol's fields", `table inet f { chain in { type filter hook input priority 0; tcp flags syn drop
		tcp dport 0-65535 drop
		icmp type echo-request drop
	}
	}`, Passes, Passes, "", ""},
}

// blame is what a finding names.
func blame(f Finding) string {
	switch {
	case f.Chain == nil:
		return ""
	case f.Rule == nil:
		return "policy of " + f.Chain.Name
	}
	return f.Rule.Text
}

// TestTheKernelDoesWhatIsSaid sends what is judged: what is said to be blocked does not
// arrive, and what is said to pass does.
func TestTheKernelDoesWhatIsSaid(t *testing.T) {
	netlab.Need(t, "nft")
	lab := netlab.New(t)
	a, b := lab.Host("a", "10.9.0.1/24"), lab.Host("b", "10.9.0.2/24")
	vrrp, udp := receiver(t, a, unix.SOCK_RAW, 112), receiver(t, a, unix.SOCK_DGRAM, 0)
	for _, c := range rulesets {
		a.Rules("flush ruleset\n" + c.rules)
		s, err := ParseNFT([]byte(a.Run("nft", "-j", "list", "ruleset")))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, one := range []struct {
			packet Packet
			want   Judgement
			got    bool
		}{
			{advert(), c.advert, arrives(t, b, vrrp, unix.SOCK_RAW, 112)},
			{beat(), c.beat, arrives(t, b, udp, unix.SOCK_DGRAM, 0)},
		} {
			f := s.Judge(one.packet)
			if f.Judgement != one.want {
				t.Errorf("%s: protocol %d: judged %d by %q, want %d", c.name, one.packet.Protocol, f.Judgement, blame(f), one.want)
			}
			if f.Judgement == Passes && !one.got || f.Judgement == Blocked && one.got {
				t.Errorf("%s: protocol %d: judged %d, but that it arrives is %v", c.name, one.packet.Protocol, f.Judgement, one.got)
			}
		}
		f := s.Judge(advert())
		doubts := ""
		if f.Doubt != nil {
			doubts = f.Doubt.Text
		}
		if blame(f) != c.blame || doubts != c.doubts {
			t.Errorf("%s: to blame is %q, in doubt %q, want %q, %q", c.name, blame(f), doubts, c.blame, c.doubts)
		}
	}
}

// receiver is a socket of a host for what arrives.
func receiver(t *testing.T, h *netlab.Host, kind, protocol int) int {
	t.Helper()
	fd := -1
	h.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, protocol); err != nil {
			t.Fatal(err)
		}
		port := 0
		if kind == unix.SOCK_DGRAM {
			port = heartbeatPort
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: here.As4()}); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// arrives sends until something arrives, or a few were sent in vain.
func arrives(t *testing.T, from *netlab.Host, to, kind, protocol int) bool {
	t.Helper()
	fd := -1
	from.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, protocol); err != nil {
			t.Fatal(err)
		}
		if kind == unix.SOCK_DGRAM {
			if err := unix.Bind(fd, &unix.SockaddrInet4{Port: heartbeatPort}); err != nil {
				t.Fatal(err)
			}
		}
	})
	defer func() { _ = unix.Close(fd) }()
	wait := unix.NsecToTimeval(int64(20 * time.Millisecond))
	if err := unix.SetsockoptTimeval(to, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := unix.Sendto(fd, []byte("01234567"), 0, &unix.SockaddrInet4{Port: heartbeatPort, Addr: here.As4()}); err != nil {
			t.Fatal(os.NewSyscallError("sendto", err))
		}
		var b [100]byte
		_, _, err := unix.Recvfrom(to, b[:], 0)
		switch {
		case err == nil:
			return true
		case !errors.Is(err, unix.EAGAIN):
			t.Fatal(err)
		}
	}
	return false
}

const rhel = `-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N lan
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -s 10.9.0.0/24 -i eth+ -g lan
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A lan -p udp -m multiport --dports 53,690:700 -m comment --comment "the other -j DROP node" -j ACCEPT
-A lan ! -p tcp -m recent --set -j DROP
`

// TestIPTablesIsRead judges what iptables -S prints; there is none on the machine.
func TestIPTablesIsRead(t *testing.T) {
	for _, c := range []struct {
		name, text   string
		advert, beat Judgement
		blame        string
	}{
		{"empty", "-P INPUT ACCEPT\n", Passes, Passes, ""},
		{"policy", "-P INPUT DROP\n-A INPUT -p udp -m udp --dport 694 -j ACCEPT\n", Blocked, Passes, "policy of INPUT"},
		{"protocol by name", "-P INPUT DROP\n-A INPUT -d 224.0.0.18/32 -p vrrp -j ACCEPT\n-A INPUT -p vrrp -j ACCEPT\n", Passes, Blocked, ""},
		{"a reject at the end", strings.ReplaceAll(rhel, "-A lan ! -p tcp -m recent --set -j DROP\n", ""), Passes, Passes, ""},
		{"and before it what is not understood", rhel, MayBeBlocked, Passes, "-A lan ! -p tcp -m recent --set -j DROP"},
		{"a reject that all come to", strings.ReplaceAll(rhel, "-g lan", "-j lan"), Blocked, Passes, "-A INPUT -j REJECT --reject-with icmp-host-prohibited"},
		{"established only", "-P INPUT DROP\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", Blocked, MayBeBlocked, "policy of INPUT"},
	} {
		s := &Ruleset{}
		s.AddIPTables(c.text, "ip", Legacy)
		for _, one := range []struct {
			packet Packet
			want   Judgement
		}{{advert(), c.advert}, {beat(), c.beat}} {
			if f := s.Judge(one.packet); f.Judgement != one.want {
				t.Errorf("%s: protocol %d: judged %d by %q, want %d", c.name, one.packet.Protocol, f.Judgement, blame(f), one.want)
			}
		}
		if f := s.Judge(advert()); blame(f) != c.blame {
			t.Errorf("%s: to blame is %q, want %q", c.name, blame(f), c.blame)
		}
	}
}

func TestAPacketOfAnUnknownInterfaceOrSenderIsUncertain(t *testing.T) {
	s := &Ruleset{}
	s.AddIPTables("-P INPUT DROP\n-A INPUT -i eth0 -p 112 -j ACCEPT\n-A INPUT -s 10.9.0.2/32 -p udp -j ACCEPT\n", "ip", Legacy)
	for _, p := range []Packet{{Protocol: 112, From: there, States: []string{"new"}}, {Protocol: 17, Interface: "eth0", States: []string{"new"}}} {
		if f := s.Judge(p); f.Judgement != MayBeBlocked || f.Doubt == nil {
			t.Errorf("protocol %d: judged %d by %q", p.Protocol, f.Judgement, blame(f))
		}
	}
}

// nft 1.0.6 does not print that a table is dormant; later ones do.
func TestADormantTableDoesNothing(t *testing.T) {
	s, err := ParseNFT([]byte(`{"nftables": [{"table": {"family": "ip", "name": "f", "flags": ["dormant"]}},
		{"chain": {"family": "ip", "table": "f", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Judge(advert()); f.Judgement != Passes {
		t.Errorf("judged %d by %q", f.Judgement, blame(f))
	}
}
