package daemon

import (
	"net/netip"
	"testing"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// large is a table of some services with as many servers each.
func large(services, servers int) ipvs.Table {
	var t ipvs.Table
	for s := range services {
		one := ipvs.Service{Key: ipvs.Key{Mark: uint32(s + 1)}}
		for i := range servers {
			one.Servers = append(one.Servers, ipvs.Server{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)})
		}
		t.Services = append(t.Services, one)
	}
	return t
}

func TestASmallTableIsReadAsAWhole(t *testing.T) {
	b := newBalancer(nil, "")
	b.have = large(10, 100)
	known := b.known()
	for _, s := range b.have.Services {
		if _, ok := known(s.Key); ok {
			t.Errorf("%s would not be read", s.Key)
		}
	}
}

func TestOfALargeTableEachServiceHasItsTurn(t *testing.T) {
	b := newBalancer(nil, "")
	b.have = large(100, 100)
	seen := map[ipvs.Key]int{}
	for range 10 {
		known, n := b.known(), 0
		for _, s := range b.have.Services {
			if servers, ok := known(s.Key); !ok {
				seen[s.Key]++
				n += len(s.Servers)
			} else if len(servers) != 100 {
				t.Fatalf("%s is known with %d servers", s.Key, len(servers))
			}
		}
		if n > lookMost {
			t.Errorf("%d servers would be read at a time", n)
		}
		if _, ok := known(ipvs.Key{Mark: 999}); ok {
			t.Error("a new service would not be read")
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 services had their turn", len(seen))
	}
}

func TestAServiceThatIsTooLargeIsReadAllTheSame(t *testing.T) {
	b := newBalancer(nil, "")
	b.have = large(2, lookMost+1)
	seen := map[ipvs.Key]bool{}
	for range 2 {
		known := b.known()
		for _, s := range b.have.Services {
			if _, ok := known(s.Key); !ok {
				seen[s.Key] = true
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("read %v", seen)
	}
	b.have = ipvs.Table{}
	b.known() // of an empty table, too
}

func TestWhatNobodyWantsNeedsNoIPVS(t *testing.T) {
	b := newBalancer(nil, "")
	if b.needed(ipvs.Table{}) {
		t.Error("IPVS is needed for nothing")
	}
	b.ours.Services = []ipvs.Key{{Mark: 1}}
	if !b.needed(ipvs.Table{}) {
		t.Error("what a daemon before left would stay")
	}
}

func TestChangesAreToldInShort(t *testing.T) {
	var ops []ipvs.Op
	for i := range 5 {
		ops = append(ops, ipvs.RemoveService{Key: ipvs.Key{Mark: uint32(i + 1)}})
	}
	if got := summary(ops); got != "remove fwmark 1; remove fwmark 2; remove fwmark 3; and 2 more" {
		t.Errorf("got %q", got)
	}
	if got := summary(ops[:1]); got != "remove fwmark 1" {
		t.Errorf("got %q", got)
	}
	if got := firstLine("a\nb\nc"); got != "a (and 2 more)" {
		t.Errorf("got %q", got)
	}
}
