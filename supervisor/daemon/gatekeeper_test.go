package daemon

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// gatedRouter is a router with a gate.
var gatedRouter = supervisor.Router{
	Name: "web", Interface: "eth0", Addresses: []supervisor.Address{{Prefix: netip.MustParsePrefix("10.0.0.3/24")}},
	VRRP: vrrp.Config{Gate: 10 * time.Second},
}

// newGates is a gatekeeper of a host whose goroutine does not run yet, with a keeper.
func newGates(t *testing.T) (*netlab.Host, *gatekeeper, *keeper, order, *told) {
	t.Helper()
	netlab.Need(t, "nft")
	h, kernel, index := newKernel(t)
	said := &told{}
	_, log := newBook()
	g := newGatekeeper(said.tell, func(_ vrrp.Reason, text string) { t.Error(text) }, log)
	h.Do(func() { g.fit(supervisor.Config{Routers: []supervisor.Router{gatedRouter}}) })
	if g.it() == nil {
		t.Fatal(g.why)
	}
	k := idleKeeper(kernel, said.tell, log)
	k.gates = g
	return h, g, k, order{router: "web", held: heldAt(index, "10.0.0.3/24"), openings: openingsOf(&gatedRouter), expiry: later}, said
}

// nf_tables does not answer for a while: the loop goes on, and what it ordered is done in
// the end, each in its turn.
func TestALoopDoesNotWaitForASlowGateAndTheKeeperDoes(t *testing.T) {
	h, g, k, o, _ := newGates(t)
	k.carryOut([]order{o})
	set := func(name string) string { return h.Run("nft", "list", "set", "inet", "pairkeeper", name) }
	if !strings.Contains(set("open4"), "10.0.0.3") {
		t.Fatal("put, and the gate is not open")
	}
	begin := time.Now()
	g.shutOut(o.openings, nil)
	if took := time.Since(begin); took < shutWithin || took > 10*time.Second {
		t.Errorf("the loop waited for %s", took)
	}
	removed := make(chan struct{})
	go func() {
		defer close(removed)
		leave := o
		leave.do = remove
		k.carryOut([]order{leave})
	}()
	select {
	case <-removed:
		t.Error("removed before the gate was shut")
	case <-time.After(200 * time.Millisecond):
	}
	if !strings.Contains(h.Run("ip", "-br", "address", "show", "eth0"), "10.0.0.3") {
		t.Error("the address has gone before the gate was shut")
	}
	go g.run()
	<-removed
	for _, name := range []string{"open4", "guarded4"} {
		if list := set(name); strings.Contains(list, "10.0.0.3") {
			t.Errorf("the address is gone, and in the set:\n%s", list)
		}
	}
	if err := g.close(true); err != nil {
		t.Error(err)
	}
}

// What the loop wanted long ago keeps nothing open: the loop may hang since.
func TestARenewalCountsFromWhenTheLoopWantedIt(t *testing.T) {
	_, g, k, o, said := newGates(t)
	k.carryOut([]order{o})
	until := func() time.Time {
		at, guarded := g.it().Until("web", o.openings[0].Addr)
		if !guarded {
			t.Fatal("not guarded")
		}
		return at
	}
	before := until()
	wanted := now().Add(-time.Hour)
	g.renew(map[string]renewal{"web": {o.openings, wanted}})
	go g.run()
	time.Sleep(100 * time.Millisecond)
	if at := until(); !at.Equal(before) {
		t.Errorf("an old renewal made it %s from %s", at, before)
	}
	const short = 2 * time.Second
	g.renew(map[string]renewal{"web": {o.openings, now().Add(short)}})
	time.Sleep(100 * time.Millisecond)
	if left := time.Until(until()); left > short { // and not the router's 10 s
		t.Errorf("open for another %s, want %s from the order", left, short)
	}
	time.Sleep(short)
	g.renew(map[string]renewal{"web": {o.openings, now().Add(time.Second)}})
	for end := time.Now().Add(10 * time.Second); !strings.Contains(strings.Join(said.all(), "\n"), "Shut"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it told %q, want that the gate had run out", said.all())
		}
	}
	if err := g.close(true); err != nil {
		t.Error(err)
	}
}
