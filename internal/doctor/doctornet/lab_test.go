package doctornet_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// A reader's threads are in the network of their process: the tests run the program.
func TestMain(m *testing.M) {
	remove, err := testbin.Provide()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = flag.Set("test.parallel", "8") // they wait more than they work
	code := m.Run()
	remove()
	os.Exit(code)
}

const vip = "10.0.0.3"

// basics is the configuration of the tests; what differs is added.
const basics = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
`

const router = `virtual_routers:
  - {name: web, interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}
`

const heartbeat = `heartbeat: {key_file: %s, links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]}
`

// patient is a host that is looked at.
type patient struct {
	t          *testing.T
	lab        *netlab.Lab
	node, peer *netlab.Host // lb01 and lb02
	dir, file  string
	socket     string
	listen     string
}

func newPatient(t *testing.T, config string) *patient {
	t.Helper()
	t.Parallel()
	netlab.Need(t)
	p := &patient{t: t, lab: netlab.New(t), dir: t.TempDir(), listen: "1ms"}
	p.node, p.peer = p.lab.Host("lb01", "10.0.0.1/24"), p.lab.Host("lb02", "10.0.0.2/24")
	p.file, p.socket = filepath.Join(p.dir, "pairkeeper.yaml"), filepath.Join(p.dir, "s")
	key := p.write("pair.key", "hex:"+strings.Repeat("5a", 32)+"\n")
	p.write("pairkeeper.yaml", basics+strings.ReplaceAll(config, "%s", key))
	return p
}

func (p *patient) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// finding is one of the report's.
type finding struct {
	Check, Severity, What, Why, Advice string
	Evidence, Mend                     []string
}

func (f finding) String() string {
	return fmt.Sprintf("%s %s: %s\n  %s\n  mend: %s", f.Severity, f.Check, f.What, strings.Join(f.Evidence, "\n  "), strings.Join(f.Mend, "; "))
}

// look runs doctor on the node: what it found, and its exit status.
func (p *patient) look() (found []finding, code int) {
	p.t.Helper()
	out := filepath.Join(p.dir, "out")
	script := fmt.Sprintf("exec %s doctor --json --node lb01 --listen %s --socket %s %s >%s 2>&1", testbin.Path(), p.listen, p.socket, p.file, out)
	_, err := p.node.Try("sh", "-c", script)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else if err != nil {
		p.t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		p.t.Fatal(err)
	}
	var report struct{ Findings []finding }
	if err := json.Unmarshal(text, &report); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	return report.Findings, code
}

// exits are the exit statuses by severity.
var exits = map[string]int{"fault": 2, "warning": 1, "notice": 0}

// finds wants one finding of a check, which says all of these words.
func (p *patient) finds(check, severity string, words ...string) finding {
	p.t.Helper()
	found, code := p.look()
	i := slices.IndexFunc(found, func(f finding) bool { return f.Check == check })
	if i < 0 {
		p.t.Fatalf("%s was not found; there is %v", check, found)
	}
	f := found[i]
	if f.Severity != severity || code < exits[severity] {
		p.t.Errorf("exit status %d, want a %s: %v", code, severity, f)
	}
	for _, w := range words {
		if !strings.Contains(f.String()+f.Why+f.Advice, w) {
			p.t.Errorf("it does not say %q: %v", w, f)
		}
	}
	return f
}

// fine wants no finding of a check.
func (p *patient) fine(check string) {
	p.t.Helper()
	found, _ := p.look()
	for _, f := range found {
		if f.Check == check {
			p.t.Errorf("found: %v", f)
		}
	}
}

// mend runs what the finding says, but for what is about the next boot of the machine, and
// wants it to be gone.
func (p *patient) mend(f finding) {
	p.t.Helper()
	ran := 0
	for _, line := range f.Mend {
		if strings.Contains(line, "/etc/") || strings.HasPrefix(line, "systemctl") {
			continue
		}
		p.node.Run("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; "+line)
		ran++
	}
	if ran == 0 {
		p.t.Fatalf("nothing of it can be run here: %v", f)
	}
	p.fine(f.Check)
}

func TestAGoodHostHasNoFinding(t *testing.T) {
	p := newPatient(t, router+heartbeat)
	p.listen = "300ms"
	found, code := p.look()
	for _, f := range found {
		if f.Severity != "notice" {
			t.Errorf("found: %v", f)
		}
	}
	if code != 0 {
		t.Errorf("exit status %d", code)
	}
}

// speak sends a message to VRRP's group until the test ends, as a host that is not the peer.
func (p *patient) speak(msg []byte) {
	p.t.Helper()
	other := p.lab.Host("other", "10.0.0.9/24")
	fd := -1
	other.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, vrrp.Protocol); err != nil {
			p.t.Fatal(err)
		}
		if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(other.Cable("eth0").Index)}); err != nil {
			p.t.Fatal(err)
		}
	})
	end, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			_ = unix.Sendto(fd, msg, 0, &unix.SockaddrInet4{Addr: vrrp.Group4.As4()})
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	p.t.Cleanup(func() {
		close(end)
		<-ended
		_ = unix.Close(fd)
	})
	p.listen = "500ms"
}

func advert(t *testing.T, version vrrp.Version, address string) []byte {
	t.Helper()
	f := vrrp.Format{Version: version, VRID: 50}
	msg, err := f.Append(nil, &vrrp.Advert{Priority: 200, Interval: time.Second, Addresses: []netip.Addr{netip.MustParseAddr(address)}},
		vrrp.Envelope{Source: netip.MustParseAddr("10.0.0.9"), Destination: vrrp.Group4, TTL: 255})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestAVRIDThatIsTakenIsNamedWithWhoHasIt(t *testing.T) {
	p := newPatient(t, router)
	p.speak(advert(t, vrrp.V2, "10.0.0.77"))
	p.finds("other-speaker", "fault", "VRID 50 of router web is taken", "VRRPv2 of 10.0.0.9 (02:00:00:00:00:03)", "priority 200", "10.0.0.77", "vrid: 51", "pairkeeper reload")
	p.write("pairkeeper.yaml", basics+strings.Replace(router, "vrid: 50", "vrid: 51", 1)) // as it says
	p.finds("other-speaker", "notice", "VRID 50")
}

func TestCARPWithOurNumberIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.speak(append([]byte{0x21, 50, 0, 7, 0, 1}, make([]byte, 30)...))
	p.finds("other-speaker", "warning", "CARP host, 10.0.0.9", "VHID 50")
}

func TestThePeersOtherVersionIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.speak(advert(t, vrrp.V2, vip))
	p.write("pairkeeper.yaml", strings.Replace(basics, "10.0.0.2", "10.0.0.9", 1)+router)
	p.finds("other-speaker", "fault", "lb02 speaks VRRPv2 with VRID 50, router web version 3")
}

func TestABlockedAdvertNamesTheRuleAndItsLineMends(t *testing.T) {
	p := newPatient(t, router)
	p.node.Rules(`table inet site { chain incoming { type filter hook input priority 0; policy drop
		iifname "lo" accept
		ct state established,related accept
		tcp dport { 22, 80 } accept
	}
}`)
	f := p.finds("vrrp-blocked", "fault", "VRRP from lb02 on eth0", "table inet site, chain incoming: no rule accepts it, and the policy is drop",
		`nft insert rule inet site incoming 'iifname "eth0" ip saddr 10.0.0.2 meta l4proto 112 accept'`)
	p.mend(f)
	p.node.Rules(`table ip more { chain out { type filter hook output priority 0; ip daddr 224.0.0.0/24 counter drop
	}
}`)
	p.mend(p.finds("vrrp-blocked", "fault", "this node's VRRP on eth0", "table ip more, chain out, handle 2: ip daddr 224.0.0.0/24 counter drop"))
}

func TestABlockedHeartbeatNamesTheRuleAndItsLineMends(t *testing.T) {
	p := newPatient(t, router+heartbeat)
	p.node.Rules(`table inet site { chain incoming { type filter hook input priority 0; policy accept
		ip protocol udp ip saddr 10.0.0.0/8 reject
	}
}`)
	p.mend(p.finds("heartbeat-blocked", "fault", "the heartbeat from 10.0.0.2:", "reject"))
	p.node.Rules(`flush ruleset
		table inet site { chain incoming { type filter hook input priority 0; policy drop
		ct state established accept
		meta l4proto 112 accept
	}
}`)
	p.mend(p.finds("heartbeat-blocked", "warning", "may drop the heartbeat from 10.0.0.2:", "not certain", "ct state established accept"))
}

func TestAWitnessThatCannotAnswerIsNamed(t *testing.T) {
	p := newPatient(t, router+heartbeat+"arbitration: {prefer: consistency, witness: ['10.0.0.50:5405']}\n")
	p.node.Rules(`table inet site { chain out { type filter hook output priority 0; udp dport 5405 drop
	}
}`)
	p.mend(p.finds("witness-blocked", "fault", "questions to the witness 10.0.0.50:5405", "udp dport 5405 drop"))
}

func TestAnAddressThatAStrangerHasIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.lab.Host("printer", "10.0.0.3/24")
	p.finds("address-taken", "fault", "10.0.0.3, of router web, is answered for by 02:00:00:00:00:03, which is not lb02", "lb02 is 02:00:00:00:00:02", "grep -i 02:00:00:00:00:03")
	p.peer.Run("ip", "link", "set", "eth0", "down")
	p.finds("address-taken", "warning", "it is not known whether that is lb02", "lb02 does not answer for its own address")
}

func TestAnAddressThatThePeerHasIsNoFinding(t *testing.T) {
	p := newPatient(t, router)
	p.peer.Run("ip", "address", "add", vip+"/24", "dev", "eth0")
	p.fine("address-taken")
	p.lab.Host("printer", "10.0.0.3/24")
	p.finds("address-taken", "fault", "is answered for by 2 hosts")
	p.node.Run("ip", "address", "add", vip+"/24", "dev", "eth0") // here it is not asked for
	p.fine("address-taken")
}

func TestAStrictReversePathIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.node.Plug("eth1", "10.8.0.1/24")
	p.node.Sysctl("net/ipv4/conf/eth0/rp_filter", "1")
	p.fine("rp-filter")
	p.node.Run("ip", "route", "add", "10.0.0.2/32", "dev", "eth1")
	p.mend(p.finds("rp-filter", "fault", "rp_filter on eth0 drops the adverts of 10.0.0.2", "net.ipv4.conf.eth0.rp_filter = 1", "the route back to 10.0.0.2 is by eth1"))
}

func TestAnInterfaceThatAnswersForTheOthersAddressesIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.node.Plug("eth1", "10.0.0.11/24")
	p.mend(p.finds("arp", "warning", "eth1 is in the network of router web too", "net.ipv4.conf.all.arp_ignore = 0", "eth1 has 10.0.0.11/24"))
	p.node.Sysctl("net/ipv4/conf/eth0/arp_ignore", "8")
	p.finds("arp", "fault", "arp_ignore on eth0 has this node answer nobody who asks for 10.0.0.3")
}

const router6 = `virtual_routers:
  - {name: six, interface: eth0, vrid: 50, addresses: ['fd00::3/64']}
`

func TestIPv6ThatIsOffIsNamed(t *testing.T) {
	p := newPatient(t, router6)
	p.node.Sysctl("net/ipv6/conf/eth0/disable_ipv6", "1")
	p.mend(p.finds("ipv6", "fault", "IPv6 is off on eth0, and router six has addresses of IPv6"))
	p.node.Sysctl("net/ipv6/conf/eth0/accept_dad", "2")
	p.mend(p.finds("ipv6", "warning", "net.ipv6.conf.eth0.accept_dad = 2"))
}

func TestABridgeWithoutAQuerierIsNamed(t *testing.T) {
	p := newPatient(t, strings.ReplaceAll(router6, "eth0", "br0.5"))
	p.node.Run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1")
	p.node.Run("ip", "link", "set", "eth0", "master", "br0")
	p.node.Run("ip", "link", "add", "br0.5", "link", "br0", "type", "macvlan")
	p.mend(p.finds("bridge-snooping", "warning", "the bridge br0, beneath br0.5 of router six"))
	p.finds("interface", "fault", "br0.5 is down")
	p.node.Run("ip", "link", "set", "br0", "up")
	p.mend(p.finds("interface", "fault", "ip link set br0.5 up"))
}

func TestAnInterfaceThatIsNotThereIsNamed(t *testing.T) {
	p := newPatient(t, strings.ReplaceAll(router, "eth0", "ens3"))
	p.finds("interface", "fault", "there is no interface ens3, which router web has", "there are lo eth0")
}

func TestTwoActiveNodesAreSeenThroughThePacketFilter(t *testing.T) {
	p := newPatient(t, router)
	p.write("pairkeeper.yaml", strings.Replace(basics, "10.0.0.2", "10.0.0.9", 1)+router)
	p.node.Rules("table ip site { chain incoming { type filter hook input priority 0; ip protocol 112 drop\n }\n}")
	p.speak(advert(t, vrrp.V3, vip))
	p.daemon(p.socket)
	until(t, "the node is ACTIVE", func() bool {
		out, _ := p.node.Try(testbin.Path(), "status", "--socket", p.socket)
		return strings.Contains(out, "ACTIVE")
	})
	p.finds("two-active", "fault", "router web is ACTIVE here, and lb02 sends adverts of it too", "the daemon has heard none of them")
	p.finds("vrrp-blocked", "fault", "ip protocol vrrp drop")
}

// daemon starts one, which answers on a socket.
func (p *patient) daemon(socket string) *exec.Cmd {
	p.t.Helper()
	cmd := p.run(testbin.Path(), "run", "--node", "lb01", "-c", p.file, "--socket", socket)
	until(p.t, "the daemon answers", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return cmd
}

// run starts a program on the node; it ends with the test.
func (p *patient) run(name string, args ...string) *exec.Cmd {
	p.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = p.dir
	p.node.Start(cmd)
	return cmd
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestAKeepalivedThatRunsIsNamed(t *testing.T) {
	netlab.Need(t, "keepalived")
	p := newPatient(t, router)
	conf := p.write("keepalived.conf", "vrrp_instance web {\n interface eth0\n virtual_router_id 60\n priority 50\n virtual_ipaddress {\n 10.0.0.60/24\n }\n}\n")
	file := func(name string) string { return filepath.Join(p.dir, name) }
	k := p.run("keepalived", "--dont-fork", "--vrrp", "--log-console", "--no-syslog", "--use-file", conf, "--pid", file("pid"), "--vrrp_pid", file("vrrp.pid"))
	f := p.finds("keepalived", "warning", "keepalived runs on this node", fmt.Sprintf("process %d", k.Process.Pid), "as soon as pairkeeper runs")
	if len(f.Mend) != 1 || f.Mend[0] != fmt.Sprintf("kill %d", k.Process.Pid) {
		t.Fatalf("mend: %q", f.Mend)
	}
	p.node.Run("sh", "-c", f.Mend[0])
	_ = k.Wait()
	p.fine("keepalived")
}

func TestAnotherPairkeeperIsNamed(t *testing.T) {
	p := newPatient(t, router)
	p.daemon(p.socket)
	p.fine("another-pairkeeper")
	p.fine("daemon")
	other := p.daemon(filepath.Join(p.dir, "other"))
	f := p.finds("another-pairkeeper", "fault", fmt.Sprintf("process %d", other.Process.Pid))
	p.node.Run("sh", "-c", f.Mend[0])
	_ = other.Wait()
	p.fine("another-pairkeeper")
}

func TestAProxyThatDoesNotListenThereIsNamed(t *testing.T) {
	netlab.Need(t, "nginx")
	p := newPatient(t, "proxy: {command: [nginx, -c, %d/nginx.conf], test: [nginx, -t, -q, -c, %d/nginx.conf]}\n"+router)
	p.write("pairkeeper.yaml", strings.ReplaceAll(p.read("pairkeeper.yaml"), "%d", p.dir))
	conf := func(listen string) string {
		return p.write("nginx.conf", fmt.Sprintf("daemon off;\nerror_log stderr;\npid %[1]s/nginx.pid;\nevents {}\nhttp {\n access_log off;\n client_body_temp_path %[1]s/b;\n proxy_temp_path %[1]s/p;\n fastcgi_temp_path %[1]s/f;\n uwsgi_temp_path %[1]s/u;\n scgi_temp_path %[1]s/s;\n server { %s }\n}\n", p.dir, listen))
	}
	serve := func(listen string) (end func()) {
		nginx := p.run("nginx", "-c", conf(listen))
		end = sync.OnceFunc(func() {
			_ = nginx.Process.Signal(unix.SIGTERM) // it ends its children
			_ = nginx.Wait()
		})
		t.Cleanup(end)
		until(t, "nginx runs", func() bool { return p.read("nginx.pid") != "" })
		return end
	}
	end := serve("listen 127.0.0.1:80; listen [::]:80;")
	p.finds("proxy-listens", "fault", "nginx does not listen on 10.0.0.3, of router web", "it listens on 127.0.0.1:80", "it listens on [::]:80, for IPv6 only", "nginx -t -q")
	end()
	serve("listen 80;") // as it says
	p.fine("proxy-listens")
	p.fine("proxy-test")

	conf("listen 10.0.0.3:80;")
	f := p.finds("nonlocal-bind", "fault", "the proxy binds 10.0.0.3", "nginx.conf:12", "net.ipv4.ip_nonlocal_bind = 0")
	p.finds("proxy-test", "fault", "10.0.0.3:80")
	p.mend(f)
	p.fine("proxy-test")
}

func (p *patient) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(p.dir, name))
	return string(text)
}

func TestAKernelWithoutIPVSIsNamed(t *testing.T) {
	p := newPatient(t, `virtual_servers:
  - {address: 10.0.0.3, ports: [80], forward: nat, when: always, servers: [{address: 10.0.0.20}]}
`)
	if _, err := os.Stat("/proc/net/ip_vs"); err == nil {
		p.fine("ipvs")
		return
	}
	p.finds("ipvs", "fault", "the kernel has no IPVS", "modprobe ip_vs", "/etc/modules-load.d/")
}
