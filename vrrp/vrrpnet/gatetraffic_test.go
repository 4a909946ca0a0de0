package vrrpnet

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// gated is a host with virtual addresses behind a gate, and a client of theirs.
type gated struct {
	lab            *netlab.Lab
	holder, client *netlab.Host
	openings       []Opening
	asks           []*inquiry
}

// inquiry is one way in which the client can learn that the holder has an address.
type inquiry struct {
	name string
	ask  func()
	got  func() int // answers so far
}

func openGate(t *testing.T, h *netlab.Host) (g *Gate) {
	t.Helper()
	h.Do(func() {
		var err error
		if g, err = OpenGate(); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// openingsOf is for letting in what is held.
func openingsOf(held []Held, ttl time.Duration) (openings []Opening) {
	for _, h := range held {
		openings = append(openings, Opening{strconv.Itoa(h.Link), h.Prefix.Addr(), ttl})
	}
	return openings
}

// gatedPair puts the virtual addresses on a's eth0; nothing of the gate is there yet.
func gatedPair(t *testing.T) *gated {
	t.Helper()
	lab, a, b := dualPair(t)
	held := held6(t, a, time.Minute, "10.9.0.3/24", "fd00::3/64", "fe80::3:51/64")
	must(t, openAddresses(t, a).Put(held))
	g := &gated{lab: lab, holder: a, client: b, openings: openingsOf(held, time.Minute)}
	// What is asked for by packets is not to depend on ARP and neighbour discovery.
	for host, of := range map[*netlab.Host][]string{a: {addrB.String(), addrB6.String()}, b: {virtual.String(), address6.String(), addrA.String()}} {
		mac := map[*netlab.Host]*netlab.Host{a: b, b: a}[host].Cable("eth0").MAC.String()
		for _, addr := range of {
			host.Run("ip", "neigh", "replace", addr, "lladdr", mac, "dev", "eth0", "nud", "permanent")
		}
	}
	capture := lab.Capture()
	seen := func(is func(netlab.Frame) bool) func() int { return func() int { return len(capture.Frames(is)) } }
	send, link, ndp := wire(t, b), linkOf(t, b, "eth0"), openNDP(t, b)
	probe := func(addr netip.Addr) func() { return func() { must(t, ndp.Probe(addr)) } }
	g.asks = []*inquiry{
		{"ARP", func() { send(whoHas(link, virtual)) }, seen(isAnswer(virtual))},
		{"neighbour discovery", probe(address6), seen(isNA(address6))},
		{"neighbour discovery of a link-local address", probe(local6), seen(isNA(local6))},
		g.echoing(t, virtual).inquiry("IPv4"),
		g.echoing(t, address6).inquiry("IPv6"),
	}
	g.wantOpen(t)
	return g
}

func (g *gated) wantOpen(t *testing.T) {
	t.Helper()
	for _, q := range g.asks {
		before := q.got()
		until(t, "an answer by "+q.name, func() bool { q.ask(); return q.got() > before })
	}
}

// wantShut wants no answer to what is asked from now on.
func (g *gated) wantShut(t *testing.T) {
	t.Helper()
	time.Sleep(100 * time.Millisecond) // what is under way
	before := make([]int, len(g.asks))
	for i, q := range g.asks {
		before[i] = q.got()
	}
	for range 10 {
		for _, q := range g.asks {
			q.ask()
		}
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(150 * time.Millisecond)
	for i, q := range g.asks {
		if n := q.got() - before[i]; n > 0 {
			t.Errorf("shut, but %d answers by %s", n, q.name)
		}
	}
}

// echo is a client of an echo server; its datagrams bear numbers.
type echo struct {
	conn net.Conn

	mu       sync.Mutex
	sent     uint32
	answered map[uint32]bool
}

// echoing serves an address, and asks for it from the client.
func (g *gated) echoing(t *testing.T, addr netip.Addr) *echo {
	t.Helper()
	return newEcho(t, g.holder, g.client, addr)
}

func newEcho(t *testing.T, server, client *netlab.Host, addr netip.Addr) *echo {
	t.Helper()
	var listener net.PacketConn
	server.Do(func() {
		var err error
		if listener, err = net.ListenPacket("udp", netip.AddrPortFrom(addr, 0).String()); err != nil {
			t.Fatal(err)
		}
	})
	e := &echo{answered: map[uint32]bool{}}
	client.Do(func() {
		var err error
		if e.conn, err = net.Dial("udp", listener.LocalAddr().String()); err != nil {
			t.Fatal(err)
		}
	})
	var ends sync.WaitGroup
	t.Cleanup(func() { listener.Close(); e.conn.Close(); ends.Wait() })
	ends.Go(func() {
		b := make([]byte, 4)
		for {
			n, from, err := listener.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = listener.WriteTo(b[:n], from)
		}
	})
	ends.Go(func() {
		b := make([]byte, 4)
		for {
			if _, err := e.conn.Read(b); err == nil {
				e.mu.Lock()
				e.answered[binary.BigEndian.Uint32(b)] = true
				e.mu.Unlock()
			} else if strings.Contains(err.Error(), "closed") {
				return
			}
		}
	})
	return e
}

// ask sends the next number and returns it.
func (e *echo) ask() uint32 {
	e.mu.Lock()
	e.sent++
	n := e.sent
	e.mu.Unlock()
	_, _ = e.conn.Write(binary.BigEndian.AppendUint32(nil, n))
	return n
}

func (e *echo) has(n uint32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answered[n]
}

func (e *echo) got() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.answered)
}

func (e *echo) inquiry(name string) *inquiry {
	return &inquiry{name, func() { e.ask() }, e.got}
}

func TestGateKeepsEverybodyOutUnlessItIsOpen(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	g.wantOpen(t) // nothing is guarded
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
	must(t, gate.Open(g.openings))
	g.wantOpen(t)
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
	must(t, gate.LetGo(g.openings))
	g.wantOpen(t)
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
	must(t, gate.Close())
	g.wantOpen(t)
}

func TestGateTouchesNothingElse(t *testing.T) {
	g := gatedPair(t)
	g.holder.Rules("table inet mine { chain input { type filter hook input priority 0; udp dport 9 drop; }; }; table arp mine { }")
	before := g.holder.Run("nft", "list", "ruleset")
	gate := openGate(t, g.holder)
	must(t, gate.Shut(g.openings))

	// Others see the host's own addresses, and it its virtual ones.
	own := g.echoing(t, addrA)
	until(t, "an answer from the host's own address", func() bool { own.ask(); return own.got() > 0 })
	for _, addr := range []netip.Addr{virtual, address6} {
		inside := newEcho(t, g.holder, g.holder, addr)
		until(t, "an answer to the host itself from "+addr.String(), func() bool { inside.ask(); return inside.got() > 0 })
	}
	capture := g.lab.Capture()
	wire(t, g.client)(whoHas(linkOf(t, g.client, "eth0"), addrA))
	if len(capture.Wait(1, soon, isAnswer(addrA))) == 0 {
		t.Error("ARP for the host's own address is not answered")
	}
	if during := g.holder.Run("nft", "list", "ruleset"); !strings.HasPrefix(during, before) {
		t.Errorf("the rules of others were\n%s\nand are\n%s", before, during)
	}
	must(t, gate.Close())
	if after := g.holder.Run("nft", "list", "ruleset"); after != before {
		t.Errorf("the rules were\n%s\nand are\n%s", before, after)
	}
}

// What was sent before the time ended is answered, what was sent after it is not. The
// kernel's clock goes in steps of up to 10 ms; the margins are for a busy machine.
func TestGateShutsByItselfWhenItsTimeEnds(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	const ttl = 600 * time.Millisecond
	for i := range g.openings {
		g.openings[i].TTL = ttl
	}
	for _, addr := range []netip.Addr{virtual, address6} {
		e := g.echoing(t, addr)
		type question struct {
			n             uint32
			before, after time.Time
		}
		var questions []question
		begin := time.Now()
		must(t, gate.Open(g.openings))
		opened := time.Now()
		for time.Since(opened) < 2*ttl {
			q := question{before: time.Now()}
			q.n = e.ask()
			q.after = time.Now()
			questions = append(questions, q)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(200 * time.Millisecond)
		var last time.Duration
		for _, q := range questions {
			switch has := e.has(q.n); {
			case has && q.before.Sub(opened) > ttl+20*time.Millisecond:
				t.Errorf("%s: answered %s after it was opened for %s", addr, q.before.Sub(opened), ttl)
			case !has && q.after.Sub(begin) < ttl-150*time.Millisecond:
				t.Errorf("%s: no answer %s after it was opened for %s", addr, q.after.Sub(begin), ttl)
			case has:
				last = q.before.Sub(begin)
			}
		}
		t.Logf("%s: opened for %s, the last question answered came %s after", addr, ttl, last)
	}
	g.wantShut(t)
}

// Each renewal takes elements out and puts them in again: nobody may see them missing.
func TestRenewalLeavesNoGap(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	must(t, gate.Open(g.openings))
	four, six := g.echoing(t, virtual), g.echoing(t, address6)
	stop := make(chan struct{})
	var renewing sync.WaitGroup
	renewals := 0
	renewing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			late, err := gate.Renew(g.openings)
			if len(late) > 0 || err != nil {
				t.Errorf("late %v, %v", late, err)
				return
			}
			renewals++
		}
	})
	var asked int
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Microsecond) {
		four.ask()
		six.ask()
		asked++
	}
	close(stop)
	renewing.Wait()
	for end := time.Now().Add(soon); four.got() < asked || six.got() < asked; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d renewals: of %d questions %d were answered by IPv4 and %d by IPv6", renewals, asked, four.got(), six.got())
		}
	}
	t.Logf("%d renewals while %d questions were answered", renewals, 2*asked)
	if gate.Mended() != 0 {
		t.Error("mended")
	}
}

func TestConnectionOutlivesAGateThatIsShutForAMoment(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	must(t, gate.Open(g.openings))
	for _, addr := range []netip.Addr{virtual, address6} {
		serve(t, g.holder, addr.String())
		var c net.Conn
		g.client.Do(func() {
			var err error
			if c, err = net.Dial("tcp", net.JoinHostPort(addr.String(), "80")); err != nil {
				t.Fatal(err)
			}
		})
		must(t, c.SetDeadline(time.Now().Add(soon)))
		word := func() error {
			if _, err := c.Write([]byte("word")); err != nil {
				return err
			}
			_, err := io.ReadFull(c, make([]byte, 4))
			return err
		}
		must(t, word())
		must(t, gate.Shut(g.openings))
		back := make(chan error, 1)
		go func() { back <- word() }()
		select {
		case err := <-back:
			t.Errorf("%s: an answer through a shut gate (%v)", addr, err)
			return
		case <-time.After(300 * time.Millisecond):
		}
		must(t, gate.Open(g.openings))
		must(t, <-back)
		c.Close()
	}
}

// The weak host model: Linux answers on every interface for the addresses of all.
func TestGateIsShutOnEveryInterface(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	g.holder.Plug("eth1", "10.9.0.11/24") // after the gate was made
	for _, on := range []string{"eth0", "eth1"} {
		g.holder.Sysctl("net/ipv4/conf/"+on+"/rp_filter", "0")
	}
	macs := func() (macs []string) {
		capture := g.lab.Capture()
		defer capture.Close()
		link := linkOf(t, g.client, "eth0")
		ask := wire(t, g.client)
		ask(whoHas(link, virtual))
		ask(whoHas(link, addrA))
		capture.Wait(2, soon, isAnswer(addrA)) // by both interfaces
		for _, f := range capture.Frames(isAnswer(virtual)) {
			macs = append(macs, f.Source().String())
		}
		slices.Sort(macs)
		return macs
	}
	if got := macs(); len(got) != 2 {
		t.Errorf("without a guard these answered: %v", got)
	}
	must(t, gate.Shut(g.openings))
	if got := macs(); len(got) != 0 {
		t.Errorf("shut, but these answered: %v", got)
	}
}

// A stale holder that asks in the name of the address would take it from the new one in
// its neighbours' caches.
// At a handover nothing tells any more that the addresses are here, but whoever knows it is
// served until the time is over.
func TestASilentGateServesWhoKnowsTheAddress(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	must(t, gate.Open(g.openings))
	g.wantOpen(t)
	const ttl = 5 * time.Second
	for i := range g.openings {
		g.openings[i].TTL = ttl
	}
	begin := time.Now()
	_, err := gate.Renew(g.openings)
	must(t, err)
	must(t, gate.Silence(g.openings))
	all := g.asks
	says, serves := all[:3], all[3:]
	g.asks = says
	g.wantShut(t)
	g.asks = serves
	g.wantOpen(t)
	if late, err := gate.Renew(g.openings); len(late) != len(g.openings) || err != nil {
		t.Errorf("a renewal prolonged it: late %v, %v", late, err)
	}
	time.Sleep(time.Until(begin.Add(ttl)))
	g.asks = all
	g.wantShut(t)
	must(t, gate.Silence(g.openings)) // it is shut
	must(t, gate.Open(g.openings))
	g.wantOpen(t)
	must(t, gate.Silence(g.openings))
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
}

func TestNothingIsSaidInTheNameOfAShutAddress(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	g.holder.Run("ip", "neigh", "flush", "all", "nud", "permanent")
	say := func(addr, to netip.Addr) {
		g.holder.Do(func() {
			d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 0))}
			c, err := d.Dial("udp", netip.AddrPortFrom(to, 9).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = c.Write([]byte("x"))
		})
	}
	said := func(f netlab.Frame) bool {
		if f.IsARP() {
			return netip.AddrFrom4([4]byte(f.Payload()[14:18])) == virtual
		}
		return isND(f) && f.Data[offICMP] == neighbourSolicitation && addr6(f.Data[offSource6:]) == address6
	}
	nobody, nobody6 := netip.MustParseAddr("10.9.0.77"), netip.MustParseAddr("fd00::77")
	for _, open := range []bool{true, false} {
		if !open {
			must(t, gate.Shut(g.openings))
		}
		capture := g.lab.Capture()
		g.holder.Run("ip", "neigh", "flush", "dev", "eth0")
		say(virtual, nobody)
		say(address6, nobody6)
		want := 0
		if open {
			want = 2
		}
		frames := capture.Wait(max(want, 1), map[bool]time.Duration{true: soon, false: 1500 * time.Millisecond}[open], said)
		if open && len(frames) < want || !open && len(frames) > 0 {
			t.Errorf("open %t: %d questions in the name of the addresses", open, len(frames))
		}
		capture.Close()
	}
}

func TestGateGuardsAVirtualMAC(t *testing.T) {
	lab, a, b := dualPair(t)
	gate := openGate(t, a)
	r4 := activate(t, a, ipv4MACVLAN(t, a), virtual)
	r6 := activate(t, a, ipv6MACVLAN(t, a), address6, local6)
	g := &gated{lab: lab, holder: a, client: b, openings: openingsOf(slices.Concat(r4.held, r6.held), time.Minute)}
	for addr, mac := range map[string]string{virtual.String(): macvlan4.String(), address6.String(): macvlan6.String()} {
		b.Run("ip", "neigh", "replace", addr, "lladdr", mac, "dev", "eth0", "nud", "permanent")
	}
	capture := lab.Capture()
	send, link, ndp := wire(t, b), linkOf(t, b, "eth0"), openNDP(t, b)
	g.asks = []*inquiry{
		{"ARP", func() { send(whoHas(link, virtual)) }, func() int { return len(capture.Frames(isAnswer(virtual))) }},
		{"neighbour discovery", func() { must(t, ndp.Probe(local6)) }, func() int { return len(capture.Frames(isNA(local6))) }},
		g.echoing(t, virtual).inquiry("IPv4"),
		g.echoing(t, address6).inquiry("IPv6"),
	}
	g.wantOpen(t)
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
	must(t, gate.Open(g.openings))
	g.wantOpen(t)
}

// The daemon must go on hearing who claims an address that is shut here.
func TestShutGateHidesNothingFromTheDaemon(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	must(t, gate.Shut(g.openings))
	heard := openARP(t, g.holder, virtual)
	peer := openARP(t, g.client)
	mac := linkOf(t, g.client, "eth0").MAC
	must(t, peer.Announce(virtual, mac))
	if got := hearNext(t, heard); got.Address != virtual || got.MAC.String() != mac.String() {
		t.Errorf("heard %+v", got)
	}
}
