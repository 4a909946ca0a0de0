package ipvs

import (
	"maps"
	"net/netip"
	"strings"
	"testing"
)

var (
	virtual = netip.MustParseAddr("10.0.0.3")
	eth0    = Interface{Name: "eth0", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.5/24")}}
	lo      = Interface{Name: "lo", Quiet: true, Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}
)

// goodDirector is a host with which nothing is wrong.
func goodDirector() Host {
	return Host{
		Sysctls: map[string]int{
			"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1,
			"net.ipv4.conf.all.send_redirects": 0, "net.ipv4.conf.eth0.send_redirects": 0,
			"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.eth0.rp_filter": 2,
			"net.ipv4.conf.all.arp_ignore": 0, "net.ipv4.conf.eth0.arp_ignore": 0,
			"net.ipv4.conf.all.arp_announce": 0, "net.ipv4.conf.eth0.arp_announce": 0,
		},
		Interfaces: []Interface{lo, eth0}, Default: "eth0", IPVS: true, Schedulers: []string{"rr", "wlc"},
	}
}

func duty(f Forward, server string) Duty {
	key := Key{Protocol: TCP, Address: netip.AddrPortFrom(virtual, 80)}
	if strings.Contains(server, "[") {
		key.Address = netip.MustParseAddrPort("[fd00::3]:80")
	}
	return Duty{
		Config: Config{
			Name: "web", Key: key, Options: Options{Scheduler: "rr"},
			Servers: []Real{{Server: Server{Address: netip.MustParseAddrPort(server), Forward: f}}},
		},
		Addresses: []netip.Addr{key.Address.Addr()}, Interface: "eth0",
	}
}

// says compares findings with how each has to begin.
func says(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i, f := range got {
		if text := f.String(); !strings.HasPrefix(text, want[i]) {
			t.Errorf("got  %s\nwant %s…", text, want[i])
		}
		if len(f.Mend) == 0 || f.Keep == "" || f.Breaks == "" {
			t.Errorf("%+v leaves something open", f)
		}
	}
}

func TestADirectorIsToldWhatIsWrongWithItsHost(t *testing.T) {
	dr, nat := duty(DR, "10.0.0.11:80"), duty(NAT, "192.168.9.11:80")
	nat6, arm := duty(NAT, "[fd00:9::11]:80"), duty(NAT, "10.0.0.11:80")
	odd := duty(DR, "10.0.0.11:80")
	odd.Options.Scheduler = "twos"
	for _, tt := range []struct {
		name    string
		sysctls map[string]int
		change  func(*Host)
		duty    Duty
		want    []string
	}{
		{"nothing", nil, nil, nat, nil},
		{"direct routing needs no forwarding, and causes no redirects", map[string]int{"net.ipv4.ip_forward": 0, "net.ipv4.conf.all.send_redirects": 1}, nil, dr, nil},
		{"forwarding", map[string]int{"net.ipv4.ip_forward": 0}, nil, nat,
			[]string{"net.ipv4.ip_forward is 0: what the servers of web answer has to pass this host (forward: nat), and is dropped: sysctl -w net.ipv4.ip_forward=1; for every boot, the line net.ipv4.ip_forward = 1 in /etc/sysctl.d/60-lvs.conf"}},
		{"forwarding of IPv6", map[string]int{"net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0}, nil, nat6, []string{"net.ipv6.conf.all.forwarding is 0: "}},
		{"servers elsewhere are told of no way", map[string]int{"net.ipv4.conf.all.send_redirects": 1}, nil, nat, nil},
		{"one of two", map[string]int{"net.ipv4.conf.eth0.send_redirects": 1}, nil, arm,
			[]string{"net.ipv4.conf.eth0.send_redirects is 1: the servers of web are on eth0, as the clients are: they are told of the way past this host, on which nobody translates what they answer: sysctl -w net.ipv4.conf.eth0.send_redirects=0; "}},
		{"both", map[string]int{"net.ipv4.conf.all.send_redirects": 1, "net.ipv4.conf.eth0.send_redirects": 1}, nil, arm,
			[]string{"net.ipv4.conf.all.send_redirects is 1 and net.ipv4.conf.eth0.send_redirects is 1: "}},
		{"strict on the only way", map[string]int{"net.ipv4.conf.eth0.rp_filter": 1}, nil, dr, nil},
		{"loose of the two counts", map[string]int{"net.ipv4.conf.all.rp_filter": 1}, func(h *Host) { h.Default = "eth1" }, dr, nil},
		{"strict, and another way", map[string]int{"net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.eth0.rp_filter": 0}, func(h *Host) { h.Default = "eth1" }, dr,
			[]string{"net.ipv4.conf.eth0.rp_filter is 0 (and net.ipv4.conf.all.rp_filter is 1, the greater one counts): clients of web from other networks come in over eth0, and the way to them is over eth1: their packets are dropped: sysctl -w net.ipv4.conf.eth0.rp_filter=2; "}},
		{"no IPVS", nil, func(h *Host) { h.IPVS, h.Schedulers = false, nil }, dr,
			[]string{"the kernel has no IPVS: nothing is balanced, and the service of pairkeeper may not load modules: modprobe ip_vs; for every boot, echo ip_vs >> /etc/modules-load.d/ip_vs.conf"}},
		{"no such scheduler", nil, nil, odd, []string{"the kernel has no scheduler twos: web is not served; there are rr, wlc: modprobe ip_vs_twos; "}},
		{"what cannot be read is not complained of", nil, func(h *Host) { h.Sysctls, h.Schedulers = nil, nil }, arm, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := goodDirector()
			maps.Copy(h.Sysctls, tt.sysctls)
			if tt.change != nil {
				tt.change(&h)
			}
			says(t, h.Director([]Duty{tt.duty, tt.duty}), tt.want...)
		})
	}
	if got := (&Host{}).Director(nil); len(got) > 0 {
		t.Errorf("a host without virtual servers is told %q", got)
	}
}

// A director that is a real server of its own has the address twice: on lo always, and on
// eth0 while it is Active.
func TestADirectorThatIsARealServerHasToBeBoth(t *testing.T) {
	h, own := goodDirector(), duty(DR, "10.0.0.5:80")
	says(t, h.Director([]Duty{own}),
		"10.0.0.3 is on no interface of this host: what the directors send here is dropped: ip address add 10.0.0.3/32 dev lo; ",
		"net.ipv4.conf.all.arp_ignore is 0: this host answers who asks for 10.0.0.3 by ARP",
		"net.ipv4.conf.all.arp_announce is 0: this host asks for others in the name of 10.0.0.3")
	maps.Copy(h.Sysctls, map[string]int{"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.eth0.arp_announce": 2})
	on := func(name string, quiet bool, more string) Interface {
		return Interface{Name: name, Quiet: quiet, Addresses: []netip.Prefix{netip.MustParsePrefix(more)}}
	}
	h.Interfaces = []Interface{eth0, on("lo", true, "10.0.0.3/32"), on("eth0", false, "10.0.0.3/24")}
	says(t, h.Director([]Duty{own}))

	own.Always = true
	says(t, h.Director([]Duty{own}), "the server 10.0.0.5 of web is this host, which balances always: what the other director sends here is balanced again, and may go back and forth between the two: write when: active, the default; ")
	own.Servers[0].Server.Forward = NAT // goes to an address that is no service
	says(t, h.Director([]Duty{own}))
	marked := duty(DR, "10.0.0.5:0")
	marked.Key, marked.Always = Key{Mark: 7}, true // the mark may spare what the other one sends
	says(t, h.Director([]Duty{marked}))
}

func TestARealServerIsToldWhatIsWrongWithItsHost(t *testing.T) {
	address := func(name string, quiet, tunnel bool, prefixes ...string) Interface {
		i := Interface{Name: name, Quiet: quiet, Tunnel: tunnel}
		for _, p := range prefixes {
			i.Addresses = append(i.Addresses, netip.MustParsePrefix(p))
		}
		return i
	}
	onLo := address("lo", true, false, "127.0.0.1/8", "10.0.0.3/32")
	for _, tt := range []struct {
		name       string
		interfaces []Interface
		sysctls    map[string]int
		want       []string
	}{
		{"nothing", []Interface{onLo, eth0}, nil, nil},
		{"nothing on a dummy", []Interface{lo, eth0, address("dummy0", true, false, "10.0.0.3/32")}, nil, nil},
		{"no address", []Interface{lo, eth0}, nil, []string{"10.0.0.3 is on no interface of this host: "}},
		{"where it is answered for", []Interface{lo, address("eth0", false, false, "10.0.0.11/24", "10.0.0.3/24")}, nil,
			[]string{"10.0.0.3/24 is on eth0: this host answers for it there, and clients come here past the directors: ip address delete 10.0.0.3/24 dev eth0 && ip address add 10.0.0.3/32 dev lo; "}},
		{"with a network", []Interface{address("lo", true, false, "10.0.0.3/24"), eth0}, nil,
			[]string{"10.0.0.3/24 is on lo: all of 10.0.0.0/24 is looked for there, so nobody in it is answered: "}},
		{"the tutorials' sysctl of lo", []Interface{onLo, eth0}, map[string]int{"net.ipv4.conf.all.arp_ignore": 0, "net.ipv4.conf.lo.arp_ignore": 1},
			[]string{"net.ipv4.conf.all.arp_ignore is 0: this host answers who asks for 10.0.0.3 by ARP, and clients come here past the directors: sysctl -w net.ipv4.conf.all.arp_ignore=1; "}},
		{"of the interface", []Interface{onLo, eth0}, map[string]int{"net.ipv4.conf.all.arp_ignore": 0, "net.ipv4.conf.eth0.arp_ignore": 2}, nil},
		{"half an announcement", []Interface{onLo, eth0}, map[string]int{"net.ipv4.conf.all.arp_announce": 1},
			[]string{"net.ipv4.conf.all.arp_announce is 1: this host asks for others in the name of 10.0.0.3, "}},
		{"too much", []Interface{onLo, eth0}, map[string]int{"net.ipv4.conf.eth0.arp_ignore": 8},
			[]string{"net.ipv4.conf.all.arp_ignore is 1 and net.ipv4.conf.eth0.arp_ignore is 8: 8 is for other uses: 1 is what a real server needs: "}},
		{"out of a tunnel", []Interface{lo, eth0, address("tunl0", true, true, "10.0.0.3/32")}, map[string]int{"net.ipv4.conf.tunl0.rp_filter": 1},
			[]string{"net.ipv4.conf.tunl0.rp_filter is 1: what comes out of the tunnel is from clients to whom the way is another one: it is dropped: sysctl -w net.ipv4.conf.tunl0.rp_filter=2; "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := goodDirector()
			maps.Copy(h.Sysctls, map[string]int{"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.all.arp_announce": 2})
			maps.Copy(h.Sysctls, tt.sysctls)
			h.Interfaces = tt.interfaces
			says(t, h.RealServer([]netip.Addr{virtual, virtual}), tt.want...)
		})
	}
}

func TestARealServerOfIPv6NeedsNoSysctl(t *testing.T) {
	six := netip.MustParseAddr("fd00::3")
	h := goodDirector()
	says(t, h.RealServer([]netip.Addr{six}), "fd00::3 is on no interface of this host: what the directors send here is dropped: ip address add fd00::3/128 dev lo; ")
	h.Interfaces = []Interface{eth0, {Name: "lo", Quiet: true, Addresses: []netip.Prefix{netip.MustParsePrefix("fd00::3/128")}}}
	says(t, h.RealServer([]netip.Addr{six}))
}

func TestADotInAnInterfacesNameIsASlash(t *testing.T) {
	if got := confKey("eth0.10", "arp_ignore"); got != "net.ipv4.conf.eth0/10.arp_ignore" {
		t.Errorf("got %s", got)
	}
}
