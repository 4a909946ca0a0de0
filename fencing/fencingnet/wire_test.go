//go:build linux

package fencingnet

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

const soon = 30 * time.Second

var key = fencing.Key{ID: 1, Secret: bytes.Repeat([]byte("k"), 32)}

// ear is a wire and what it told.
type ear struct {
	*Wire
	heard   chan *fencing.Heartbeat
	refused chan fencing.Refusal
	gone    chan struct{}
}

func open(t *testing.T, local, peer netip.AddrPort, keys ...fencing.Key) *ear {
	t.Helper()
	e := &ear{heard: make(chan *fencing.Heartbeat, 1000), refused: make(chan fencing.Refusal, 1000), gone: make(chan struct{}, 1000)}
	e.Wire = OpenWire(WireConfig{Local: local, Peer: peer, Keys: keys}, Listener{
		Heard:   func(h *fencing.Heartbeat) { e.heard <- h },
		Refused: func(r fencing.Refusal) { offer(e.refused, r) },
		Gone:    func() { offer(e.gone, struct{}{}) },
	})
	t.Cleanup(e.Close)
	return e
}

func offer[T any](to chan<- T, v T) {
	select {
	case to <- v:
	default:
	}
}

// ends are two addresses of the loopback with ports that are free.
func ends(t *testing.T) (a, b netip.AddrPort) {
	t.Helper()
	for i, ip := range []string{"127.0.0.2", "127.0.0.3"} {
		c, err := net.ListenPacket("udp", ip+":0")
		if err != nil {
			t.Fatal(err)
		}
		at := c.LocalAddr().(*net.UDPAddr).AddrPort()
		c.Close()
		if i == 0 {
			a = at
		} else {
			b = at
		}
	}
	return a, b
}

func beat(sequence uint64) *fencing.Heartbeat {
	return &fencing.Heartbeat{Node: "lb01", Version: "1", Session: 1, Sequence: sequence}
}

// until sends until something comes.
func until[T any](t *testing.T, what string, from <-chan T, send func()) T {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); {
		send()
		select {
		case v := <-from:
			return v
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Fatalf("no %s", what)
	panic("unreachable")
}

func send(t *testing.T, e *ear, h *fencing.Heartbeat) {
	t.Helper()
	if err := e.Send(h); err != nil {
		t.Fatal(err)
	}
}

func TestWireCarriesHeartbeats(t *testing.T) {
	at, bt := ends(t)
	a, b := open(t, at, bt, key), open(t, bt, at, key)
	h := until(t, "heartbeat", b.heard, func() { send(t, a, beat(7)) })
	if h.Node != "lb01" || h.Sequence != 7 {
		t.Errorf("%+v", h)
	}
	if c := b.Count(); c.Received == 0 || c.Problem != "" {
		t.Errorf("%+v", c)
	}
}

func TestAnotherKeyIsRefusedByName(t *testing.T) {
	at, bt := ends(t)
	a := open(t, at, bt, fencing.Key{ID: 1, Secret: bytes.Repeat([]byte("x"), 32)})
	b := open(t, bt, at, key)
	if r := until(t, "refusal", b.refused, func() { send(t, a, beat(1)) }); r != fencing.RefusalMAC {
		t.Errorf("%q", r)
	}
	if n := b.Count().Refused[fencing.RefusalMAC]; n == 0 {
		t.Error("it was not counted")
	}
}

func TestAHostWhoseDaemonIsGoneSaysSo(t *testing.T) {
	at, bt := ends(t)
	a, b := open(t, at, bt, key), open(t, bt, at, key)
	until(t, "heartbeat", b.heard, func() { send(t, a, beat(1)) })
	b.Close()
	until(t, "word of it", a.gone, func() { send(t, a, beat(2)) })
	again := open(t, bt, at, key)
	until(t, "heartbeat after that", again.heard, func() { send(t, a, beat(3)) })
}

func TestOnlyTheOtherNodeGetsIn(t *testing.T) {
	at, bt := ends(t)
	a, b := open(t, at, bt, key), open(t, bt, at, key)
	until(t, "heartbeat", b.heard, func() { send(t, a, beat(1)) })
	message, err := beat(99).Append(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := net.Dial("udp", bt.String())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for range 100 {
		_, _ = stranger.Write(message) // refused, says the kernel
	}
	for h := until(t, "heartbeat", b.heard, func() { send(t, a, beat(2)) }); h.Sequence != 2; h = <-b.heard {
		if h.Sequence == 99 {
			t.Fatal("a stranger was heard")
		}
	}
}

func TestAnAddressThatIsNotThereIsWaitedFor(t *testing.T) {
	e := open(t, netip.MustParseAddrPort("192.0.2.1:5555"), netip.MustParseAddrPort("192.0.2.2:5555"), key)
	for end := time.Now().Add(soon); e.Count().Problem == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no problem was told")
		}
	}
	if p := e.Count().Problem; !strings.Contains(p, "this host does not have 192.0.2.1") {
		t.Error(p)
	}
	if err := e.Send(beat(1)); err == nil {
		t.Error("it sends without a socket")
	}
}

// A flood from the other node's address, as somebody on the link can forge it, takes none of
// the real messages' place for long.
func TestAFloodDoesNotSilenceTheLink(t *testing.T) {
	at, bt := ends(t)
	b := open(t, bt, at, key)
	flood, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(at), net.UDPAddrFromAddrPort(bt))
	if err != nil {
		t.Fatal(err)
	}
	defer flood.Close()
	garbage := bytes.Repeat([]byte("pkhb\x01\x01"), 40)
	message, err := beat(5).Append(nil, key)
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	for end := time.Now().Add(soon); heard < 10; {
		if time.Now().After(end) {
			t.Fatalf("%d real messages were heard", heard)
		}
		for range 2000 {
			_, _ = flood.Write(garbage)
		}
		_, _ = flood.Write(message)
		select {
		case <-b.heard:
			heard++
		default:
		}
	}
	if b.Count().Refused[fencing.RefusalMAC] < 1000 {
		t.Errorf("the flood was no flood: %v", b.Count().Refused)
	}
}
