package doctor

import (
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	pf "github.com/pairkeeper/pairkeeper/internal/packetfilter"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	self = netip.MustParseAddr("10.0.0.1")
	peer = netip.MustParseAddr("10.0.0.2")
	vip  = netip.MustParsePrefix("10.0.0.3/24")
)

// good are the facts of a node with nothing wrong.
func good() *Facts {
	link := supervisor.HeartbeatLink{Local: netip.AddrPortFrom(self, 6940), Peer: netip.AddrPortFrom(peer, 6940)}
	return &Facts{
		File: "/etc/pairkeeper/pairkeeper.yaml", Version: "1.1", Listened: 4 * time.Second,
		Config: supervisor.Config{
			Node: "lb01", Peer: "lb02", Proxy: supervisor.Proxy{Unit: "nginx.service", Test: []string{"nginx", "-t"}},
			Heartbeat: supervisor.Heartbeat{Links: []supervisor.HeartbeatLink{link}, Self: self, Other: peer},
			Routers: []supervisor.Router{{
				Name: "web", Interface: "eth0", VRRP: vrrp.Config{VRID: 50, Version: vrrp.V3, Addresses: []netip.Addr{vip.Addr()}}, Format: vrrp.Format{Version: vrrp.V3, VRID: 50},
				Addresses: []supervisor.Address{{Prefix: vip}}, Source: self, Peer: peer,
			}},
		},
		Adverts:    []Advert{{Interface: "eth0", From: peer, MAC: "02:00:00:00:00:02", Version: 3, VRID: 50, Priority: 100, Addresses: []netip.Addr{vip.Addr()}}},
		Answers:    []Answer{{Interface: "eth0", Address: vip.Addr(), MACs: []string{"02:00:00:00:00:02"}}, {Interface: "eth0", Address: peer, MACs: []string{"02:00:00:00:00:02"}}},
		Interfaces: []Interface{{Name: "eth0", Up: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/24")}, Routes: map[netip.Addr]string{peer: "eth0"}}},
		Filter:     &pf.Ruleset{},
		Units: map[string]Unit{
			"pairkeeper.service": {Load: "loaded", Active: "active", File: "enabled", Conflicts: []string{"keepalived.service"}, Capabilities: 1<<12 | 1<<13 | 1<<23},
			"nginx.service":      {Load: "loaded", Active: "active", File: "enabled"},
			"keepalived.service": {Load: "loaded", Active: "inactive", File: "disabled"},
		},
		Processes: []Process{{PID: 7, Name: "pairkeeper", Unit: "pairkeeper.service", Args: []string{"pairkeeper", "run"}}},
		Daemon: &Daemon{
			PID: 7, Unit: "pairkeeper.service", Version: "1.1", File: "/etc/pairkeeper/pairkeeper.yaml", PeerHeard: true,
			Routers: []Router{{Name: "web", State: "BACKUP", Gate: "idle", Heard: "10.0.0.2"}}, Links: []Link{{Local: "10.0.0.1", Peer: "10.0.0.2", State: "both-ways"}},
			Probes: []Probe{{Name: peerProbe, State: "good"}},
		},
		Listeners:  []Listener{{At: netip.MustParseAddrPort("0.0.0.0:80"), Unit: "nginx.service"}},
		Sysctls:    map[string]string{"net.ipv4.ip_nonlocal_bind": "0"},
		Kernel:     Kernel{Clock: "tsc", Virtual: "QEMU"},
		Privileges: &Privileges{Capabilities: 1<<12 | 1<<13 | 1<<23, Realtime: true},
	}
}

func TestNothingIsFoundOnAGoodNode(t *testing.T) {
	r := Judge(good())
	if len(r.Findings) != 0 || r.Worst() != Notice {
		t.Errorf("found %+v", r.Findings)
	}
	if len(r.Good) < 20 {
		t.Errorf("looked at %v only", r.Good)
	}
}

// tables is a packet filter as iptables -S has it.
func tables(tool pf.Tool, text string) *pf.Ruleset {
	s := &pf.Ruleset{}
	s.AddIPTables(text, "ip", tool)
	return s
}

func TestEachFaultIsNamedWithWhatMendsIt(t *testing.T) {
	daemon := func(change func(*Daemon)) func(*Facts) { return func(f *Facts) { change(f.Daemon) } }
	unit := func(name string, change func(*Unit)) func(*Facts) {
		return func(f *Facts) {
			u := f.Units[name]
			change(&u)
			f.Units[name] = u
		}
	}
	for _, c := range []struct {
		name     string
		plant    func(*Facts)
		check    string
		severity Severity
		words    []string // of what, evidence, why, advice or mend
	}{
		{"CARP with a virtual MAC", func(f *Facts) {
			f.Config.Routers[0].VirtualMAC.Name = "vrrp4-50"
			f.Adverts = append(f.Adverts, Advert{Interface: "eth0", From: netip.MustParseAddr("10.0.0.9"), CARP: true, VRID: 50})
		}, "other-speaker", Fault, []string{"virtual MAC"}},
		{"the peer has other addresses", func(f *Facts) { f.Adverts[0].Addresses = []netip.Addr{self} }, "other-speaker", Warning, []string{"lb02 announces other addresses", "here: 10.0.0.3"}},
		{"another VRID is no harm", func(f *Facts) { f.Adverts[0].VRID, f.Adverts[0].From = 51, netip.MustParseAddr("10.0.0.9") }, "other-speaker", Notice, []string{"VRID 51"}},
		{"iptables-legacy", func(f *Facts) {
			f.Daemon = nil
			f.Filter = tables(pf.Legacy, "-P INPUT DROP\n-A INPUT -p udp -j ACCEPT\n")
		}, "vrrp-blocked", Fault, []string{"iptables-legacy, table ip filter, chain INPUT", "iptables-legacy -I INPUT -i eth0 -s 10.0.0.2 -p 112 -j ACCEPT"}},
		{"iptables", func(f *Facts) {
			f.Daemon.Links[0].State = "silent"
			f.Filter = tables(pf.IPTables, "-P INPUT ACCEPT\n-A INPUT -p udp -j REJECT\n")
		}, "heartbeat-blocked", Fault, []string{"-A INPUT -p udp -j REJECT", "iptables -I INPUT -i eth0 -s 10.0.0.2 -p 17 --dport 6940 -j ACCEPT"}},
		{"ufw and VRRP", func(f *Facts) {
			f.Daemon = nil
			f.Filter = tables(pf.IPTables, "-P INPUT DROP\n-N ufw-before-input\n-A INPUT -j ufw-before-input\n-A ufw-before-input -p udp -j ACCEPT\n")
		}, "vrrp-blocked", Fault, []string{"sed -i '0,/^COMMIT/s//-A ufw-before-input -p 112 -j ACCEPT\\nCOMMIT/' /etc/ufw/before.rules", "ufw reload"}},
		{"ufw and the heartbeat", func(f *Facts) {
			f.Daemon = nil
			f.Filter = tables(pf.IPTables, "-P INPUT DROP\n-N ufw-before-input\n-A INPUT -j ufw-before-input\n-A ufw-before-input -p vrrp -j ACCEPT\n")
		}, "heartbeat-blocked", Fault, []string{"ufw allow in on eth0 from 10.0.0.2 to any port 6940 proto udp"}},
		{"firewalld", func(f *Facts) {
			f.Daemon = nil
			f.Filter, _ = pf.ParseNFT([]byte(`{"nftables": [{"chain": {"family": "inet", "table": "firewalld", "name": "filter_INPUT", "type": "filter", "hook": "input", "prio": 10, "policy": "accept"}},
				{"rule": {"family": "inet", "table": "firewalld", "chain": "filter_INPUT", "handle": 9, "expr": [{"reject": {"type": "icmpx"}}]}}]}`))
		}, "vrrp-blocked", Fault, []string{"chain filter_INPUT, handle 9: reject", "firewall-cmd --permanent --zone=$(firewall-cmd --get-zone-of-interface=eth0) --add-protocol=vrrp", "firewall-cmd --reload"}},
		{"what is heard is not blocked", func(f *Facts) { f.Filter = tables(pf.Legacy, "-P INPUT DROP\n-A INPUT -p udp -j ACCEPT\n") },
			"vrrp-blocked", Warning, []string{"but the daemon does hear adverts of 10.0.0.2"}},
		{"keepalived beside the daemon", func(f *Facts) {
			f.Processes = append(f.Processes, Process{PID: 9, Name: "keepalived", Unit: "keepalived.service", Args: []string{"/usr/sbin/keepalived"}})
		}, "keepalived", Fault, []string{"process 9", "systemctl disable --now keepalived.service"}},
		{"another unit of pairkeeper", func(f *Facts) {
			f.Processes = append(f.Processes, Process{PID: 9, Name: "pairkeeper", Unit: "other.service"})
		}, "another-pairkeeper", Fault, []string{"systemctl disable --now other.service"}},
		{"failed", unit("pairkeeper.service", func(u *Unit) { u.Active, u.Result = "failed", "exit-code" }), "unit", Fault, []string{"result: exit-code", "journalctl -u pairkeeper.service"}},
		{"bad setting", unit("pairkeeper.service", func(u *Unit) { u.Load = "bad-setting" }), "unit", Fault, []string{"cannot load pairkeeper.service: bad-setting"}},
		{"stale", unit("pairkeeper.service", func(u *Unit) { u.Stale = true }), "unit", Notice, []string{"systemctl daemon-reload"}},
		{"no capability", func(f *Facts) { f.Privileges.Capabilities = 1 << 12 }, "permissions", Fault, []string{"runs without CAP_NET_RAW, CAP_SYS_NICE", "AmbientCapabilities=CAP_NET_RAW CAP_SYS_NICE"}},
		{"not real-time", func(f *Facts) { f.Privileges.Realtime = false }, "permissions", Warning, []string{"does not run under SCHED_RR"}},
		{"may not be real-time", func(f *Facts) { f.Privileges, f.Kernel.RealtimeFor = nil, "operation not permitted" }, "permissions", Warning, []string{"sched_setscheduler: operation not permitted"}},
		{"no rule of polkit", unit("pairkeeper.service", func(u *Unit) { u.User = "pairkeeper" }), "permissions", Fault, []string{"no rule of polkit lets it restart nginx.service", "/etc/polkit-1/rules.d/60-pairkeeper.rules"}},
		{"another version", daemon(func(d *Daemon) { d.Version = "1.0" }), "daemon", Warning, []string{"version 1.0, this program of 1.1", "systemctl restart pairkeeper.service"}},
		{"a bad reload", daemon(func(d *Daemon) { d.Problem = "pairkeeper.yaml:3: no" }), "daemon", Warning, []string{"pairkeeper.yaml:3: no", "pairkeeper check"}},
		{"a reload that waits", daemon(func(d *Daemon) { d.Pending = true }), "daemon", Warning, []string{"pairkeeper reload"}},
		{"another file", daemon(func(d *Daemon) { d.File = "/etc/nginx/pairkeeper.yaml" }), "daemon", Warning, []string{"pairkeeper doctor -c /etc/nginx/pairkeeper.yaml"}},
		{"it hangs", func(f *Facts) { f.Daemon = nil }, "daemon", Fault, []string{"no daemon answers", "systemctl restart pairkeeper.service"}},
		{"no gate", daemon(func(d *Daemon) { d.Routers[0].Gate = "unsupported: no nf_tables" }), "gate", Warning, []string{"modprobe nf_tables"}},
		{"no gate before operation", func(f *Facts) { f.Daemon, f.Kernel.NFTables = nil, "invalid argument" }, "gate", Warning, []string{"nf_tables: invalid argument"}},
		{"a silent peer", daemon(func(d *Daemon) { d.Links[0].State = "silent" }), "peer", Fault, []string{"no heartbeat is heard from lb02", "ping -c 3 -I 10.0.0.1 10.0.0.2"}},
		{"a peer that is heard, but not by the daemon", func(f *Facts) {
			f.Daemon.Links[0].State = "silent"
			f.Beats = []Beat{{Local: f.Config.Heartbeat.Links[0].Local, Peer: f.Config.Heartbeat.Links[0].Peer, Count: 5}}
		}, "peer", Fault, []string{"reach this host, but not the daemon", "5 datagrams"}},
		{"one way", daemon(func(d *Daemon) { d.Links[0].State = "one-way" }), "peer", Warning, []string{"does not hear this node"}},
		{"one of two links", daemon(func(d *Daemon) { d.Links = append(d.Links, Link{Local: "10.1.0.1", Peer: "10.1.0.2", State: "silent"}) }), "peer", Warning, []string{"10.1.0.1 - 10.1.0.2", "another link still works"}},
		{"the nodes differ", daemon(func(d *Daemon) { d.Different = []string{"the version: 1 here, 2 there"} }), "peer", Warning, []string{"1 here, 2 there"}},
		{"the other proxy", daemon(func(d *Daemon) { d.Probes[0] = Probe{peerProbe, "failed", "connection refused"} }), "peer-proxy", Warning, []string{"connection refused"}},
		{"no such proxy", unit("nginx.service", func(u *Unit) { *u = Unit{Load: "not-found"} }), "proxy-unit", Fault, []string{"systemd has no unit nginx.service"}},
		{"a masked proxy", unit("nginx.service", func(u *Unit) { u.Load = "masked" }), "proxy-unit", Fault, []string{"systemctl unmask nginx.service"}},
		{"only the other family", func(f *Facts) { f.Listeners[0].At, f.Listeners[0].V6Only = netip.MustParseAddrPort("[::]:80"), true }, "proxy-listens", Fault, []string{"[::]:80, for IPv6 only"}},
		{"another program listens", func(f *Facts) { f.Listeners[0].Unit = "apache2.service" }, "proxy-listens", Fault, []string{"no listening TCP socket"}},
		{"a /32 and arp_ignore 2", func(f *Facts) {
			f.Config.Routers[0].Addresses[0].Prefix = netip.MustParsePrefix("10.0.0.3/32")
			f.Sysctls["net.ipv4.conf.all.arp_ignore"], f.Sysctls["net.ipv4.conf.eth0.arp_ignore"] = "0", "2"
		}, "arp", Fault, []string{"net.ipv4.conf.eth0.arp_ignore = 2", "10.0.0.3/32"}},
		{"a slow clock", func(f *Facts) { f.Kernel.Clock = "acpi_pm" }, "clock", Warning, []string{"clocksource acpi_pm"}},
		{"a machine that may be paused", func(f *Facts) { f.Config.Heartbeat.Links = nil }, "clock", Notice, []string{"virtual machine (QEMU)"}},
		{"NetworkManager", func(f *Facts) { f.Managers = []Manager{{Name: NetworkManager, Interface: "eth0"}} }, "network-manager", Notice, []string{"nmcli connection up"}},
		{"NetworkManager and the virtual MAC", func(f *Facts) {
			f.Config.Routers[0].VirtualMAC.Name = "vrrp4-50"
			f.Managers = []Manager{{Name: NetworkManager, Interface: "vrrp4-50"}}
		}, "network-manager", Warning, []string{"unmanaged-devices+=interface-name:vrrp4-50", "nmcli general reload conf"}},
		{"a bridge and IPv4", func(f *Facts) { f.Interfaces[0].Bridge = &Bridge{Name: "br0", Snooping: true} }, "bridge-snooping", Notice, []string{"ip link set br0 type bridge mcast_querier 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := good()
			c.plant(f)
			found := Judge(f).Findings
			i := slices.IndexFunc(found, func(one Finding) bool { return one.Check == c.check })
			if i < 0 {
				t.Fatalf("not found; there is %+v", found)
			}
			one := found[i]
			text := strings.Join(slices.Concat([]string{one.What, one.Why, one.Advice}, one.Evidence, one.Mend), "\n")
			for _, w := range c.words {
				if !strings.Contains(text, w) {
					t.Errorf("it does not say %q:\n%s", w, text)
				}
			}
			if one.Severity != c.severity || one.Why == "" {
				t.Errorf("a %s, want a %s, and why:\n%s", one.Severity, c.severity, text)
			}
		})
	}
}

func TestTheWorstIsFirst(t *testing.T) {
	f := good()
	f.Daemon.Version, f.TestError, f.Config.Routers[0].Interface = "1.0", "nginx -t: exit 1", "eth9"
	r := Judge(f)
	if r.Worst() != Fault || !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return int(b.Severity - a.Severity) }) || r.Findings[len(r.Findings)-1].Severity != Notice {
		t.Errorf("found %+v", r.Findings)
	}
}

func TestWhatWasNotReadIsNotCalledGood(t *testing.T) {
	f := good()
	f.Unread = []Unread{{AreaPackets, "run doctor as root"}}
	for _, g := range Judge(f).Good {
		if g.Check == "other-speaker" || g.Check == "address-taken" {
			t.Errorf("%s is called good", g.Check)
		}
	}
}

// The names of the checks are an interface, and the manual explains each.
func TestChecksAreNamedAndExplained(t *testing.T) {
	manual, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, c := range checks() {
		if seen[c.id] || !kebab.MatchString(c.id) || c.looks == "" {
			t.Errorf("%q is no name of its own", c.id)
		}
		seen[c.id] = true
		if !strings.Contains(string(manual), "| `"+c.id+"` |") {
			t.Errorf("docs/doctor.md does not explain `%s`", c.id)
		}
	}
}

// The rules do no I/O: what they need is in Facts.
func TestTheRulesOnlyJudge(t *testing.T) {
	for _, dir := range []string{".", "../packetfilter"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				switch path, _ := strconv.Unquote(spec.Path.Value); path {
				case "net", "os", "os/exec", "syscall", "context", "sync", "golang.org/x/sys/unix":
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
