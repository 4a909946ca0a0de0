package fencingnet

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

var pairKeys = []fencing.Key{{ID: 1, Secret: []byte("0123456789abcdef0123456789abcdef")}}

const leaseOfTests = time.Second

// serving is a witness that runs, at an address or a free port.
type serving struct {
	addr  string
	stop  func()
	mu    sync.Mutex
	moves []fencing.Moved
	bad   []fencing.Refusal
}

func serve(t *testing.T, listen string, secrets ...[]byte) *serving {
	t.Helper()
	s := &serving{}
	w, err := OpenWitness(WitnessConfig{
		Listen: listen, Pairs: [][][]byte{{[]byte("nobody's")}, secrets},
		Moved: func(_ netip.AddrPort, _ int, m fencing.Moved) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.moves = append(s.moves, m)
		},
		Refused: func(_ netip.AddrPort, r fencing.Refusal) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.bad = append(s.bad, r)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	s.addr = w.Addr().String()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// client is a node that asks a witness.
type client struct {
	t      *testing.T
	voter  Voter
	serial uint64
	casts  chan fencing.Cast
	close  func()
}

func newClient(t *testing.T, node, addr string, keys []fencing.Key) *client {
	c := &client{t: t, casts: make(chan fencing.Cast, 100)}
	c.voter = OpenWitnessVoter(WitnessVoterConfig{Address: addr, Node: node, Keys: keys, Lease: leaseOfTests})
	c.close = sync.OnceFunc(c.voter.Close)
	t.Cleanup(c.close)
	return c
}

func (c *client) ask(kind fencing.CallKind) {
	c.serial++
	c.voter.Ask(Ask{Lease: "web", Call: fencing.Call{Serial: c.serial, Kind: kind}, Answer: func(a fencing.Cast) { c.casts <- a }})
}

// get asks until the newest question is answered.
func (c *client) get(kind fencing.CallKind) fencing.Cast {
	c.t.Helper()
	for range 100 {
		c.ask(kind)
		for wait := time.After(200 * time.Millisecond); ; {
			select {
			case a := <-c.casts:
				if a.Serial == c.serial {
					return a
				}
				continue
			case <-wait:
			}
			break
		}
	}
	c.t.Fatal("no answer")
	panic("unreachable")
}

// until asks until the verdict is as wanted.
func (c *client) until(kind fencing.CallKind, v fencing.Verdict) fencing.Cast {
	c.t.Helper()
	var a fencing.Cast
	for range 200 {
		if a = c.get(kind); a.Verdict == v {
			return a
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("%s: %+v, want %s", kind, a, v)
	panic("unreachable")
}

func TestTwoNodesAskAWitness(t *testing.T) {
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret)
	a, b := newClient(t, "lb01", s.addr, pairKeys), newClient(t, "lb02", s.addr, pairKeys)
	if got := a.get(fencing.CallClaim); got.Verdict != fencing.VerdictBegun {
		t.Errorf("it has just begun, and says %s", got.Verdict)
	}
	a.until(fencing.CallClaim, fencing.VerdictGranted)
	if got := b.get(fencing.CallClaim); got.Verdict != fencing.VerdictRefused || got.Owner != "lb01" {
		t.Errorf("%+v", got)
	}
	a.until(fencing.CallReturn, fencing.VerdictFree)
	b.until(fencing.CallClaim, fencing.VerdictGranted)
	b.until(fencing.CallClaim, fencing.VerdictGranted)
	s.mu.Lock()
	defer s.mu.Unlock()
	want := []fencing.Moved{{Lease: "web", To: "lb01"}, {Lease: "web", From: "lb01"}, {Lease: "web", To: "lb02"}}
	if len(s.moves) < 3 || s.moves[0] != want[0] || s.moves[1] != want[1] || s.moves[2] != want[2] {
		t.Errorf("%+v", s.moves)
	}
}

func TestAWitnessThatBeginsAnewIsFoundAgain(t *testing.T) {
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret)
	c := newClient(t, "lb01", s.addr, pairKeys)
	c.until(fencing.CallClaim, fencing.VerdictGranted)
	s.stop()
	if a := c.until(fencing.CallClaim, fencing.VerdictFailed); !strings.Contains(a.Problem, "nobody listens at "+s.addr) {
		t.Error(a.Problem)
	}
	serve(t, s.addr, pairKeys[0].Secret)
	c.until(fencing.CallClaim, fencing.VerdictBegun)
	c.until(fencing.CallClaim, fencing.VerdictGranted)
}

func TestALeaseIsReturnedAtTheEnd(t *testing.T) {
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret)
	a, b := newClient(t, "lb01", s.addr, pairKeys), newClient(t, "lb02", s.addr, pairKeys)
	a.until(fencing.CallClaim, fencing.VerdictGranted)
	a.ask(fencing.CallReturn)
	a.close()
	if got := b.get(fencing.CallLook); got.Verdict != fencing.VerdictFree {
		t.Errorf("%+v", got)
	}
}

func TestAWitnessAnswersNobodyWithoutTheKey(t *testing.T) {
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret)
	c := newClient(t, "lb01", s.addr, []fencing.Key{{ID: 1, Secret: []byte("another")}})
	conn, err := net.Dial("udp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	c.ask(fencing.CallClaim)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		bad := append([]fencing.Refusal(nil), s.bad...)
		s.mu.Unlock()
		if len(bad) == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%q", bad)
		}
	}
	if len(c.casts) > 0 {
		t.Errorf("%+v", <-c.casts)
	}
}

// Two nodes that exchange their key do it one after the other.
func TestAPairHasOneLeaseWhicheverOfItsKeysSigns(t *testing.T) {
	next := fencing.Key{ID: 2, Secret: []byte("the key that comes next")}
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret, next.Secret)
	a, b := newClient(t, "lb01", s.addr, pairKeys), newClient(t, "lb02", s.addr, []fencing.Key{next, pairKeys[0]})
	a.until(fencing.CallClaim, fencing.VerdictGranted)
	if got := b.get(fencing.CallClaim); got.Verdict != fencing.VerdictRefused {
		t.Errorf("%+v", got)
	}
}

func TestAVoterSaysWhyItDoesNotReachAWitness(t *testing.T) {
	if a := newClient(t, "lb01", "nobody.invalid:6941", pairKeys).get(fencing.CallLook); !strings.Contains(a.Problem, "nobody.invalid") {
		t.Errorf("%+v", a)
	}
}

func TestOnlyOneWitnessListens(t *testing.T) {
	s := serve(t, "127.0.0.1:0", pairKeys[0].Secret)
	if _, err := OpenWitness(WitnessConfig{Listen: s.addr}); err == nil || !strings.Contains(err.Error(), "another program has UDP port") {
		t.Error(err)
	}
}
