//go:build linux

package vm

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pairkeeper/pairkeeper/internal/vmlab"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
)

var same = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

// open opens the kernel's table, empty.
func open(t *testing.T) *ipvsnet.Kernel {
	t.Helper()
	vmlab.Need(t)
	run(t, "ip", "link", "set", "lo", "up")
	k, err := ipvsnet.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	clear := func() {
		run(t, "ipvsadm", "-C")
		for _, role := range []string{"master", "backup"} {
			_ = exec.Command("ipvsadm", "--stop-daemon", role).Run()
		}
	}
	clear()
	t.Cleanup(clear)
	return k
}

func run(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return string(out)
}

func table(t *testing.T, k *ipvsnet.Kernel) ipvs.Table {
	t.Helper()
	have, err := k.Table()
	if err != nil {
		t.Fatal(err)
	}
	return sorted(have)
}

func sorted(t ipvs.Table) ipvs.Table {
	slices.SortFunc(t.Services, func(a, b ipvs.Service) int { return a.Key.Compare(b.Key) })
	slices.SortFunc(t.Sync, func(a, b ipvs.Sync) int { return int(a.Role) - int(b.Role) })
	for _, s := range t.Services {
		slices.SortFunc(s.Servers, func(a, b ipvs.Server) int { return a.Address.Compare(b.Address) })
	}
	return t
}

func tcp(address string) ipvs.Key {
	return ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort(address)}
}

func realServer(address string, f ipvs.Forward, weight int) ipvs.Server {
	return ipvs.Server{Address: netip.MustParseAddrPort(address), Forward: f, Weight: weight}
}

// everything is a table with all that there is, but for mixed families and sync daemons,
// which exclude each other.
func everything() ipvs.Table {
	t := ipvs.Table{Timeouts: ipvs.Timeouts{TCP: time.Hour, TCPFin: time.Minute, UDP: 30 * time.Second}}
	add := func(k ipvs.Key, o ipvs.Options, servers ...ipvs.Server) {
		if o.Bits == 0 {
			o.Bits = map[bool]int{false: 32, true: 128}[k.Is6()]
		}
		t.Services = append(t.Services, ipvs.Service{Key: k, Options: o, Servers: servers})
	}
	limited := realServer("10.0.0.12:80", ipvs.NAT, 65535)
	limited.Upper, limited.Lower = 1000, 800
	gue, gre, ipip := realServer("10.0.0.13:80", ipvs.Tunnel, 1), realServer("10.0.0.14:80", ipvs.Tunnel, 0), realServer("10.0.0.15:80", ipvs.Tunnel, 1)
	gue.Tunnel = ipvs.Encapsulation{Wrap: ipvs.GUE, Port: 6080, Checksum: ipvs.RemoteChecksum}
	gre.Tunnel = ipvs.Encapsulation{Wrap: ipvs.GRE, Checksum: ipvs.OuterChecksum}
	add(tcp("10.0.0.3:80"), ipvs.Options{Scheduler: "wrr"}, realServer("10.0.0.11:80", ipvs.DR, 1), limited, gue, gre, ipip)
	add(tcp("10.0.0.3:443"), ipvs.Options{Scheduler: "sh", Flags: ipvs.SchedulerFlag1 | ipvs.SchedulerFlag2, Persistence: 5 * time.Minute, Bits: 24})
	add(tcp("[fd00::3]:80"), ipvs.Options{Scheduler: "mh", Flags: ipvs.SchedulerFlag2, Persistence: time.Hour, Bits: 64}, realServer("[fd00::11]:8080", ipvs.NAT, 1))
	add(ipvs.Key{Protocol: ipvs.UDP, Address: netip.MustParseAddrPort("10.0.0.3:53")}, ipvs.Options{Scheduler: "rr", Flags: ipvs.OnePacket}, realServer("10.0.0.11:5353", ipvs.NAT, 1))
	add(ipvs.Key{Protocol: ipvs.UDP, Address: netip.MustParseAddrPort("10.0.0.3:5060")}, ipvs.Options{Scheduler: "rr", Persistence: time.Minute, Engine: "sip"}, realServer("10.0.0.11:5060", ipvs.NAT, 1))
	add(ipvs.Key{Protocol: ipvs.SCTP, Address: netip.MustParseAddrPort("10.0.0.3:80")}, ipvs.Options{Scheduler: "lc"}, realServer("10.0.0.11:80", ipvs.NAT, 1))
	add(ipvs.Key{Mark: 7}, ipvs.Options{Scheduler: "wlc"}, realServer("10.0.0.11:0", ipvs.DR, 1))
	add(ipvs.Key{Mark: 7, IPv6: true}, ipvs.Options{Scheduler: "wlc"}, realServer("[fd00::11]:0", ipvs.DR, 1))
	for i, name := range ipvs.Schedulers() {
		if name == "twos" { // Debian 12 has no module for it
			continue
		}
		add(tcp(fmt.Sprintf("10.0.0.4:%d", 8000+i)), ipvs.Options{Scheduler: name}, realServer("10.0.0.11:80", ipvs.NAT, 1))
	}
	return sorted(t)
}

func TestTheKernelHasWhatItIsTold(t *testing.T) {
	k := open(t)
	want := everything()
	want.Sync = []ipvs.Sync{{Role: ipvs.Master, ID: 51, Interface: "lo"}, {Role: ipvs.Backup, ID: 51, Interface: "lo"}}
	if err := k.Apply(ipvs.Plan(table(t, k), want, ipvs.Owned{})); err != nil {
		t.Fatal(err)
	}
	have := table(t, k)
	if diff := cmp.Diff(want, have, same); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, run(t, "ipvsadm", "-Sn"))
	}
	if ops := ipvs.Plan(have, want, ipvs.Owned{}); len(ops) > 0 {
		t.Errorf("it is not at rest: %v", ops)
	}
}

func TestServersOfAnotherFamilyStandBehindATunnel(t *testing.T) {
	k := open(t)
	want := ipvs.Table{Services: []ipvs.Service{{
		Key: tcp("[fd00::3]:80"), Options: ipvs.Options{Scheduler: "rr", Bits: 128}, Servers: []ipvs.Server{realServer("10.0.0.11:80", ipvs.Tunnel, 1)},
	}}}
	if err := k.Apply(ipvs.Plan(table(t, k), want, ipvs.Owned{})); err != nil {
		t.Fatal(err)
	}
	have := table(t, k)
	if diff := cmp.Diff(want.Services, have.Services, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	edited := want
	edited.Services = slices.Clone(want.Services)
	edited.Services[0].Servers = []ipvs.Server{realServer("10.0.0.11:80", ipvs.Tunnel, 5)}
	if err := k.Apply(ipvs.Plan(have, edited, ipvs.Owned{})); err != nil {
		t.Fatal(err)
	}
	edited.Services[0].Servers = nil
	if err := k.Apply(ipvs.Plan(table(t, k), edited, ipvs.Owned{})); err != nil {
		t.Fatal(err)
	}
	if got := table(t, k).Services[0].Servers; len(got) > 0 {
		t.Errorf("left %v", got)
	}
}

func TestEveryEditIsMade(t *testing.T) {
	k := open(t)
	first := ipvs.Service{Key: tcp("10.0.0.3:80"), Options: ipvs.Options{Scheduler: "wrr", Bits: 32}, Servers: []ipvs.Server{realServer("10.0.0.11:80", ipvs.DR, 1)}}
	gue := realServer("10.0.0.11:80", ipvs.Tunnel, 1)
	gue.Tunnel = ipvs.Encapsulation{Wrap: ipvs.GUE, Port: 6080}
	limited := realServer("10.0.0.11:80", ipvs.NAT, 9)
	limited.Upper, limited.Lower = 10, 5
	for _, tt := range []struct {
		options ipvs.Options
		server  ipvs.Server
	}{
		{ipvs.Options{Scheduler: "sh", Flags: ipvs.SchedulerFlag2, Bits: 32}, gue},
		{ipvs.Options{Scheduler: "rr", Persistence: time.Minute, Bits: 16}, limited},
		{ipvs.Options{Scheduler: "wrr", Bits: 32}, realServer("10.0.0.11:80", ipvs.DR, 0)},
	} {
		want := first
		want.Options, want.Servers = tt.options, []ipvs.Server{tt.server}
		for _, one := range []ipvs.Service{first, want} {
			if err := k.Apply(ipvs.Plan(table(t, k), ipvs.Table{Services: []ipvs.Service{one}}, ipvs.Owned{})); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]ipvs.Service{one}, table(t, k).Services, same); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
}

func TestWhatIpvsadmMadeIsReadAndLeftAlone(t *testing.T) {
	k := open(t)
	run(t, "ipvsadm", "-A", "-t", "10.9.9.9:80", "-s", "mh", "-b", "mh-port", "-p", "60", "-M", "255.255.0.0")
	run(t, "ipvsadm", "-a", "-t", "10.9.9.9:80", "-r", "10.9.9.11:80", "-i", "--tun-type", "gre", "-w", "3", "-x", "9", "-y", "8")
	before := run(t, "ipvsadm", "-Sn")
	foreign := realServer("10.9.9.11:80", ipvs.Tunnel, 3)
	foreign.Upper, foreign.Lower, foreign.Tunnel.Wrap = 9, 8, ipvs.GRE
	want := []ipvs.Service{{
		Key: tcp("10.9.9.9:80"), Options: ipvs.Options{Scheduler: "mh", Flags: ipvs.SchedulerFlag2, Persistence: time.Minute, Bits: 16}, Servers: []ipvs.Server{foreign},
	}}
	have := table(t, k)
	if diff := cmp.Diff(want, have.Services, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ours := everything()
	var owned ipvs.Owned
	for _, s := range ours.Services {
		owned.Services = append(owned.Services, s.Key)
	}
	if err := k.Apply(ipvs.Plan(have, ours, owned)); err != nil {
		t.Fatal(err)
	}
	if err := k.Apply(ipvs.Plan(table(t, k), ipvs.Table{}, owned)); err != nil {
		t.Fatal(err)
	}
	if after := run(t, "ipvsadm", "-Sn"); after != before {
		t.Errorf("it was\n%sand is\n%s", before, after)
	}
}

func TestTheKernelsRefusalsAreExplained(t *testing.T) {
	k := open(t)
	for _, tt := range []struct {
		op   ipvs.Op
		want string
	}{
		{ipvs.AddService{Key: tcp("10.0.0.3:80"), Options: ipvs.Options{Scheduler: "nosuch", Bits: 32}}, "the kernel has no scheduler nosuch (it has rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, nq, fo, ovf): load its module (modprobe ip_vs_nosuch), and have it loaded at boot: echo ip_vs_nosuch >> /etc/modules-load.d/ip_vs.conf"},
		{ipvs.RemoveService{Key: tcp("10.0.0.3:80")}, "it is not there any more"},
		{ipvs.StartSync{Sync: ipvs.Sync{Role: ipvs.Master, ID: 1, Interface: "eth99"}}, "there is no interface eth99"},
	} {
		if err := k.Apply([]ipvs.Op{tt.op}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.op, err, tt.want)
		}
	}
	if err := k.Apply([]ipvs.Op{ipvs.StartSync{Sync: ipvs.Sync{Role: ipvs.Master, ID: 1, Interface: "lo"}}}); err != nil {
		t.Fatal(err)
	}
	six := tcp("[fd00::3]:80")
	err := k.Apply([]ipvs.Op{ipvs.AddService{Key: six, Options: ipvs.Options{Scheduler: "rr", Bits: 128}}, ipvs.AddServer{Key: six, Server: realServer("10.0.0.11:80", ipvs.Tunnel, 1)}})
	if err == nil || !strings.Contains(err.Error(), "with no sync daemon running") {
		t.Errorf("got %v", err)
	}
}

func TestTenThousandServersAreAppliedFast(t *testing.T) {
	k := open(t)
	var want ipvs.Table
	for s := range 100 {
		one := ipvs.Service{Key: tcp(fmt.Sprintf("10.0.0.3:%d", 8000+s)), Options: ipvs.Options{Scheduler: "wrr", Bits: 32}}
		for i := range 100 {
			one.Servers = append(one.Servers, realServer(fmt.Sprintf("10.1.%d.%d:80", s, i+1), ipvs.DR, 1))
		}
		want.Services = append(want.Services, one)
	}
	sorted(want)
	start := time.Now()
	if err := k.Apply(ipvs.Plan(table(t, k), want, ipvs.Owned{})); err != nil {
		t.Fatal(err)
	}
	applied := time.Since(start)
	start = time.Now()
	have := table(t, k)
	t.Logf("10,000 servers: applied in %s, read in %s", applied, time.Since(start))
	if diff := cmp.Diff(want.Services, have.Services, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff[:min(len(diff), 2000)])
	}
}
