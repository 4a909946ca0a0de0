package vrrpnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	addrA6   = netip.MustParseAddr("fd00::1")
	addrB6   = netip.MustParseAddr("fd00::2")
	address6 = netip.MustParseAddr("fd00::3")
	local6   = netip.MustParseAddr("fe80::3:51") // a virtual link-local address
)

// dualPair is two hosts with both families.
func dualPair(t *testing.T) (lab *netlab.Lab, a, b *netlab.Host) {
	t.Helper()
	lab, a, b = pair(t)
	for h, addr := range map[*netlab.Host]netip.Addr{a: addrA6, b: addrB6} {
		h.Run("ip", "addr", "add", addr.String()+"/64", "dev", "eth0", "nodad")
	}
	for _, h := range []*netlab.Host{a, b} { // the link-local ones are made with a delay
		for end := time.Now().Add(soon); strings.Contains(h.Run("ip", "addr", "show", "dev", "eth0"), "tentative"); {
			if time.Now().After(end) {
				t.Fatal("addresses stay tentative")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return lab, a, b
}

// router is an Active router's macvlan with its addresses.
type router struct {
	host      *netlab.Host
	links     *MACVLANs
	addresses *Addresses
	macvlan   MACVLAN
	held      []Held
}

// activate raises m and puts addrs as the daemon does.
func activate(t *testing.T, h *netlab.Host, m MACVLAN, addrs ...netip.Addr) *router {
	t.Helper()
	r := &router{host: h, links: openMACVLANs(t, h), addresses: openAddresses(t, h), macvlan: m}
	index := raise(t, h, r.links, m)
	for _, addr := range addrs {
		bits := 24
		if addr.Is6() {
			bits = 64
		}
		// A link-local address is reached by a route of its own interface only.
		r.held = append(r.held, Held{Link: index, Prefix: netip.PrefixFrom(addr, bits), NoPrefixRoute: !addr.IsLinkLocalUnicast(), Lifetime: time.Minute})
	}
	must(t, r.addresses.Put(r.held))
	return r
}

// release is what a router does that becomes Backup.
func (r *router) release(t *testing.T) {
	t.Helper()
	must(t, r.addresses.Remove(r.held))
	r.host.Do(func() { must(t, r.links.Lower(r.macvlan)) })
}

// rawSocket receives protocol 112 on eth0, multicast included.
func rawSocket(t *testing.T, h *netlab.Host) (fd int) {
	t.Helper()
	index := linkOf(t, h, "eth0").Index
	h.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, vrrp.Protocol); err != nil {
			t.Fatal(err)
		}
		must(t, unix.BindToDevice(fd, "eth0"))
		must(t, unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreqn{Multiaddr: group.As4(), Ifindex: int32(index)}))
	})
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// wire sends frames as they are.
func wire(t *testing.T, h *netlab.Host) func(frame []byte) {
	t.Helper()
	var fd int
	h.Do(func() {
		var err error
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { unix.Close(fd) })
	to := &unix.SockaddrLinklayer{Ifindex: linkOf(t, h, "eth0").Index}
	return func(frame []byte) {
		t.Helper()
		must(t, unix.Sendto(fd, frame, 0, to))
	}
}

// advertFrame is an IPv4 advert from b whose body is one mark.
func advertFrame(from net.HardwareAddr, mark byte) []byte {
	return ipv4Frame([]byte{0x01, 0, 0x5e, 0, 0, 18}, from, addrB, group, vrrp.Protocol, []byte{0x31, macvlanVRID, mark, 0, 0, 100, 0, 0})
}

func ipv4Frame(to, from net.HardwareAddr, src, dst netip.Addr, protocol byte, body []byte) []byte {
	header := []byte{0x45, 0, 0, byte(20 + len(body)), 0, 0, 0, 0, 255, protocol, 0, 0}
	header = append(append(header, src.AsSlice()...), dst.AsSlice()...)
	binary.BigEndian.PutUint16(header[10:], onesComplement(header))
	return slices.Concat(to, from, []byte{0x08, 0}, header, body)
}

// onesComplement is the Internet checksum (RFC 1071).
func onesComplement(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// marks reads the marks of the adverts that came in, until nothing more does.
func marks(t *testing.T, fd int, most int, within time.Duration) (got []byte) {
	t.Helper()
	b := make([]byte, 256)
	for end := time.Now().Add(within); time.Now().Before(end) && len(got) < most; {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100)
		for {
			n, _, err := unix.Recvfrom(fd, b, 0)
			if errors.Is(err, unix.EAGAIN) {
				break
			}
			if err != nil || n != 28 {
				t.Fatalf("%d bytes, %v", n, err)
			}
			got = append(got, b[22])
		}
	}
	return got
}

// The peer's adverts have the virtual MAC too. That they arrive while our macvlan of
// this MAC is up is what two Active routers need to find each other.
func TestPeersAdvertsFromTheVirtualMACReachTheBaseInterface(t *testing.T) {
	_, a, b := pair(t)
	fd := rawSocket(t, a)
	send := wire(t, b)
	links := openMACVLANs(t, a)
	m := ipv4MACVLAN(t, a)
	for i, c := range []struct {
		name string
		to   func()
	}{
		{"absent", func() {}},
		{"prepared", func() { a.Do(func() { _, err := links.Prepare(m); must(t, err) }) }},
		{"up", func() { raise(t, a, links, m) }},
		{"down", func() { a.Do(func() { must(t, links.Lower(m)) }) }},
		{"up again", func() { raise(t, a, links, m) }},
		{"deleted", func() { removeMACVLAN(t, a, links, m) }},
	} {
		c.to()
		want := []byte{byte(10 * i), byte(10*i + 1), byte(10*i + 2)}
		for _, mark := range want {
			send(advertFrame(macvlan4, mark))
		}
		if got := marks(t, fd, len(want), soon); !bytes.Equal(got, want) {
			t.Errorf("%s: adverts %v, want %v", c.name, got, want)
		}
	}
	// Why the mode is bridge: a private one keeps them to itself.
	a.Run("ip", "link", "add", "mv0", "link", "eth0", "address", macvlan4.String(), "type", "macvlan", "mode", "private")
	a.Run("ip", "link", "set", "mv0", "up")
	send(advertFrame(macvlan4, 100))
	send(advertFrame(linkOf(t, b, "eth0").MAC, 101))
	if got := marks(t, fd, 1, soon); !bytes.Equal(got, []byte{101}) {
		t.Errorf("private mode: adverts %v, want the one from another MAC", got)
	}
}

// isAnswer tells ARP replies that say where addr is.
func isAnswer(addr netip.Addr) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		p := f.Payload()
		return f.IsARP() && len(p) >= 28 && p[7] == 2 && netip.AddrFrom4([4]byte(p[14:18])) == addr
	}
}

// whoHas asks for addr in b's name.
func whoHas(b Link, addr netip.Addr) []byte {
	return arpFrame{operation: arpRequest, senderMAC: b.MAC, sender: addrB, target: addr}.bytes()
}

// answers says which MAC addresses answered for the virtual address. The host's own
// is asked for after it: only the physical one may answer then.
func answers(t *testing.T, lab *netlab.Lab, b *netlab.Host, ask func(netip.Addr), expected int) (macs []string) {
	t.Helper()
	capture := lab.Capture()
	defer capture.Close()
	ask(virtual)
	if expected > 0 {
		capture.Wait(expected, soon, isAnswer(virtual))
	}
	ask(addrA)
	capture.Wait(1, soon, isAnswer(addrA))
	time.Sleep(100 * time.Millisecond) // the macvlan's answers come from a queue
	if own := capture.Frames(isAnswer(addrA)); len(own) != 1 || own[0].Source().String() != "02:00:00:00:00:01" {
		t.Errorf("the host's own address was answered %d times: %v", len(own), own)
	}
	for _, f := range capture.Frames(isAnswer(virtual)) {
		macs = append(macs, f.Source().String())
		if sender := net.HardwareAddr(f.Payload()[8:14]).String(); sender != f.Source().String() {
			t.Errorf("answer from %s says %s", f.Source(), sender)
		}
	}
	return macs
}

func TestT37OnlyARaisedMACVLANAnswersARPAndOnceWithTheVirtualMAC(t *testing.T) {
	lab, a, b := pair(t)
	send, link := wire(t, b), linkOf(t, b, "eth0")
	ask := func(addr netip.Addr) { t.Helper(); send(whoHas(link, addr)) }
	m := ipv4MACVLAN(t, a)
	for _, strict := range []string{"0", "1"} { // rp_filter of all interfaces
		a.Sysctl("net/ipv4/conf/all/rp_filter", strict)
		r := activate(t, a, m, virtual)
		for range 3 {
			if got := answers(t, lab, b, ask, 1); !slices.Equal(got, []string{macvlan4.String()}) {
				t.Errorf("Active, rp_filter %s: answers from %v", strict, got)
			}
		}
		r.release(t)
		if got := answers(t, lab, b, ask, 0); len(got) != 0 {
			t.Errorf("Backup: answers from %v", got)
		}
	}
	// Even an address that was forgotten is not answered for.
	r := activate(t, a, m, virtual)
	a.Do(func() { must(t, r.links.Lower(m)) })
	if got := answers(t, lab, b, ask, 0); len(got) != 0 {
		t.Errorf("down with its address: answers from %v", got)
	}
}

// isEcho tells echo requests and replies to or from addr.
func isEcho(addr netip.Addr) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		return f.IsIPv4(1) && bytes.Contains(f.Payload()[12:20], addr.AsSlice()) && f.Payload()[20] == 0
	}
}

func TestT37BackupTakesNoPacketForTheVirtualMAC(t *testing.T) {
	lab, a, b := pair(t)
	send, link := wire(t, b), linkOf(t, b, "eth0")
	b.Run("ip", "neigh", "add", addrA.String(), "lladdr", "02:00:00:00:00:01", "dev", "eth0")
	echo := []byte{8, 0, 0, 0, 0, 1, 0, 1}
	binary.BigEndian.PutUint16(echo[2:], onesComplement(echo))
	ask := func(addr netip.Addr, mac net.HardwareAddr) { send(ipv4Frame(mac, link.MAC, addrB, addr, 1, echo)) }
	r := activate(t, a, ipv4MACVLAN(t, a), virtual)
	for _, active := range []bool{true, false} {
		if !active {
			r.release(t)
		}
		capture := lab.Capture()
		ask(virtual, macvlan4)
		if active && len(capture.Wait(1, soon, isEcho(virtual))) != 1 {
			t.Error("Active: no answer")
		}
		ask(addrA, macvlan4) // the host's own address by the virtual MAC
		ask(addrA, linkOf(t, a, "eth0").MAC)
		want := 1
		if active {
			want = 2 // the macvlan takes packets for all addresses of the host
		}
		capture.Wait(want, soon, isEcho(addrA))
		time.Sleep(100 * time.Millisecond)
		if n := len(capture.Frames(isEcho(addrA))); n != want {
			t.Errorf("Active %t: %d answers from the host's own address, want %d", active, n, want)
		}
		if n := len(capture.Frames(isEcho(virtual))); active != (n == 1) {
			t.Errorf("Active %t: %d answers from the virtual address", active, n)
		}
		capture.Close()
	}
}

// serve echoes on port 80 of an address.
func serve(t *testing.T, h *netlab.Host, addr string) {
	t.Helper()
	h.Do(func() {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, "80"))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		t.Cleanup(func() { l.Close(); <-done })
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_ = c.SetDeadline(time.Now().Add(soon))
				_, _ = io.Copy(c, c)
				c.Close()
			}
		}()
	})
}

// talk sends a word to port 80 of an address, from an address of its own if given, and
// wants it back.
func talk(t *testing.T, h *netlab.Host, to, from string) {
	t.Helper()
	must(t, tryTalk(h, to, from, soon))
}

func tryTalk(h *netlab.Host, to, from string, within time.Duration) (err error) {
	d := net.Dialer{Timeout: within}
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	var c net.Conn
	h.Do(func() { c, err = d.Dial("tcp", net.JoinHostPort(to, "80")) })
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	word := make([]byte, 4)
	if _, err := io.ReadFull(c, word); err != nil || string(word) != "word" {
		return fmt.Errorf("%q came back: %w", word, err)
	}
	return nil
}

func forget(h *netlab.Host) { h.Run("ip", "neigh", "flush", "dev", "eth0") }

// claims are the ARP frames that say or ask in the name of addr, by who sent them.
func claims(frames []netlab.Frame, addr netip.Addr) (macs []string) {
	for _, f := range frames {
		p := f.Payload()
		if f.IsARP() && len(p) >= 28 && netip.AddrFrom4([4]byte(p[14:18])) == addr {
			macs = append(macs, f.Source().String()+" "+net.HardwareAddr(p[8:14]).String())
		}
	}
	return macs
}

// A client talks to the virtual address, and the host talks from it to a client that
// it has to look for first.
func TestT38NoARPFrameBindsTheVirtualAddressToThePhysicalMAC(t *testing.T) {
	for _, strict := range []string{"0", "1"} {
		lab, a, b := pair(t)
		a.Sysctl("net/ipv4/conf/all/rp_filter", strict)
		b.Run("ip", "addr", "add", "10.9.0.7/24", "dev", "eth0")
		serve(t, a, "0.0.0.0")
		serve(t, b, "0.0.0.0")
		m := ipv4MACVLAN(t, a)
		capture := lab.Capture()
		for range 2 {
			r := activate(t, a, m, virtual)
			forget(a)
			forget(b)
			talk(t, a, "10.9.0.7", virtual.String())
			forget(a)
			forget(b)
			talk(t, b, virtual.String(), "")
			talk(t, b, addrA.String(), "")
			talk(t, a, virtual.String(), "") // by the host itself
			r.release(t)
		}
		got := claims(capture.Frames(nil), virtual)
		if len(got) == 0 {
			t.Error("no ARP frame about the virtual address at all")
		}
		for _, c := range got {
			if c != macvlan4.String()+" "+macvlan4.String() {
				t.Errorf("frame from, and about: %s", c)
			}
		}
		for _, f := range capture.Frames(nil) {
			if f.Type() == unix.ETH_P_IPV6 && bytes.Equal(f.Source(), macvlan4) {
				t.Errorf("IPv6 from the macvlan of an IPv4 router: % x", f.Data)
			}
		}
	}
}

// Why the base gets arp_ignore and arp_announce: a macvlan that is merely there lets
// the base speak for its addresses.
func TestT38IsBrokenWithoutTheSysctls(t *testing.T) {
	lab, a, b := pair(t)
	b.Run("ip", "addr", "add", "10.9.0.7/24", "dev", "eth0")
	serve(t, b, "0.0.0.0")
	r := activate(t, a, ipv4MACVLAN(t, a), virtual)
	a.Sysctl("net/ipv4/conf/eth0/arp_ignore", "0")
	a.Sysctl("net/ipv4/conf/eth0/arp_announce", "0")
	send, link := wire(t, b), linkOf(t, b, "eth0")
	got := answers(t, lab, b, func(addr netip.Addr) { send(whoHas(link, addr)) }, 2)
	slices.Sort(got)
	if !slices.Equal(got, []string{macvlan4.String(), "02:00:00:00:00:01"}) {
		t.Errorf("answers from %v, want one of each MAC", got)
	}
	capture := lab.Capture()
	forget(a)
	talk(t, a, "10.9.0.7", virtual.String())
	if got := claims(capture.Frames(nil), virtual); !slices.Contains(got, "02:00:00:00:00:01 02:00:00:00:00:01") {
		t.Errorf("claims by %v, want the physical MAC among them", got)
	}
	r.release(t)
}

// ndClaim reads a neighbour solicitation or advertisement that binds addr to a MAC:
// the sender of the former, the target of the latter (RFC 4861 4.3, 4.4). option is
// the link-layer address it gives.
func ndClaim(f netlab.Frame, addr netip.Addr) (kind byte, option net.HardwareAddr, ok bool) {
	p := f.Payload()
	if f.Type() != unix.ETH_P_IPV6 || len(p) < 64 || p[6] != 58 {
		return 0, nil, false
	}
	src, target := netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[48:64]))
	kind = p[40]
	if len(p) >= 72 {
		option = net.HardwareAddr(p[66:72])
	}
	return kind, option, kind == 135 && src == addr || kind == 136 && target == addr
}

func isNA(addr netip.Addr) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		kind, _, ok := ndClaim(f, addr)
		return ok && kind == 136
	}
}

func TestT38NoNeighbourMessageBindsTheVirtualAddressToThePhysicalMAC(t *testing.T) {
	lab, a, b := dualPair(t)
	b.Run("ip", "addr", "add", "fd00::7/64", "dev", "eth0", "nodad")
	serve(t, a, "::")
	serve(t, b, "::")
	m := ipv6MACVLAN(t, a)
	capture := lab.Capture()
	for range 2 {
		r := activate(t, a, m, local6, address6)
		forget(a)
		forget(b)
		talk(t, a, "fd00::7", address6.String())
		forget(a)
		forget(b)
		talk(t, b, address6.String(), "")
		talk(t, b, addrA6.String(), "")
		talk(t, b, zoned(t, b, local6), "")
		r.release(t)
		forget(b)
		unanswered(t, lab, b)
	}
	for _, addr := range []netip.Addr{address6, local6} {
		if len(capture.Frames(isNA(addr))) == 0 {
			t.Errorf("no neighbour advertisement of %s", addr)
		}
		for _, f := range capture.Frames(nil) {
			if _, option, ok := ndClaim(f, addr); ok && (!bytes.Equal(f.Source(), macvlan6) || !bytes.Equal(option, macvlan6)) {
				t.Errorf("%s: frame from %s about %s: % x", addr, f.Source(), option, f.Data)
			}
		}
	}
}

// unanswered asks b's kernel to look for the virtual address, in vain (T37).
func unanswered(t *testing.T, lab *netlab.Lab, b *netlab.Host) {
	t.Helper()
	capture := lab.Capture()
	defer capture.Close()
	asks := func(f netlab.Frame) bool {
		p := f.Payload()
		return f.Type() == unix.ETH_P_IPV6 && len(p) >= 64 && p[40] == 135 && netip.AddrFrom16([16]byte(p[48:64])) == address6
	}
	var c net.Conn
	b.Do(func() {
		var err error
		if c, err = net.Dial("udp", net.JoinHostPort(address6.String(), "9")); err != nil {
			t.Fatal(err)
		}
	})
	defer c.Close()
	_, err := c.Write([]byte("x"))
	must(t, err)
	if len(capture.Wait(1, soon, asks)) != 1 {
		t.Error("nobody asked")
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(capture.Frames(isNA(address6))); n != 0 {
		t.Errorf("Backup: %d answers", n)
	}
}

// A solicitation is answered once: the base does not know the macvlan's addresses.
func TestT37OnlyTheMACVLANAnswersASolicitation(t *testing.T) {
	lab, a, b := dualPair(t)
	activate(t, a, ipv6MACVLAN(t, a), address6)
	serve(t, a, "::")
	for range 3 {
		capture := lab.Capture()
		forget(b)
		talk(t, b, address6.String(), "")
		time.Sleep(100 * time.Millisecond)
		if n := len(capture.Frames(isNA(address6))); n != 1 {
			t.Errorf("%d advertisements", n)
		}
		capture.Close()
	}
	wantSysctls(t, a, map[string]string{"ipv4/conf/eth0/arp_ignore": "0", "ipv4/conf/eth0/arp_announce": "0"})
}

// zoned is a link-local address as h dials it: by the interface's number, since package
// net remembers the names of other namespaces.
func zoned(t *testing.T, h *netlab.Host, addr netip.Addr) string {
	t.Helper()
	return addr.WithZone(strconv.Itoa(linkOf(t, h, "eth0").Index)).String()
}

// Other addresses are answered by the base's routes; a link-local one is of its own
// interface and needs fe80::/64 there.
func TestLinkLocalVirtualAddressNeedsItsPrefixRoute(t *testing.T) {
	_, a, b := dualPair(t)
	serve(t, a, "::")
	index := raise(t, a, openMACVLANs(t, a), ipv6MACVLAN(t, a))
	addresses := openAddresses(t, a)
	held := Held{Link: index, Prefix: netip.PrefixFrom(local6, 64), NoPrefixRoute: true, Lifetime: time.Minute}
	must(t, addresses.Put([]Held{held}))
	if err := tryTalk(b, zoned(t, b, local6), "", time.Second); err == nil {
		t.Error("answers without")
	}
	held.NoPrefixRoute = false
	must(t, addresses.Put([]Held{held}))
	talk(t, b, zoned(t, b, local6), "")
}

// The interface may come back while the router is Active, or after the daemon was told
// to raise its macvlan.
func TestMACVLANOutlivesItsBaseGoingDown(t *testing.T) {
	_, a, b := pair(t)
	serve(t, a, "0.0.0.0")
	m := ipv4MACVLAN(t, a)
	r := activate(t, a, m, virtual)
	a.Run("ip", "link", "set", "eth0", "down")
	a.Run("ip", "link", "set", "eth0", "up")
	a.Cable("eth0").Settle()
	talk(t, b, virtual.String(), "")
	r.release(t)
	a.Run("ip", "link", "set", "eth0", "down")
	raise(t, a, r.links, m)
	must(t, r.addresses.Put(r.held))
	a.Run("ip", "link", "set", "eth0", "up")
	a.Cable("eth0").Settle()
	talk(t, b, virtual.String(), "")
}

// With the interface its macvlan goes: nothing is left to lower or to delete.
func TestMACVLANGoesWithItsBase(t *testing.T) {
	_, a, _ := pair(t)
	a.Plug("eth1", "10.10.0.1/24")
	links := openMACVLANs(t, a)
	m := ipv4MACVLAN(t, a)
	m.Base = linkOf(t, a, "eth1")
	raise(t, a, links, m)
	a.Run("ip", "link", "delete", "eth1")
	a.Do(func() {
		must(t, links.Lower(m))
		must(t, links.Delete(m))
		if _, err := links.Raise(m); err == nil || !strings.Contains(err.Error(), "interface eth1") {
			t.Errorf("error %v", err)
		}
	})
}
