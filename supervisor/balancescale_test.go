package supervisor_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// largeSite is a configuration of services with servers, each with one check.
func largeSite(services, servers int) supervisor.Config {
	cfg := base()
	for s := range services {
		key := ipvs.Key{Protocol: ipvs.TCP, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(s)}), 80)}
		one := supervisor.VirtualServer{Name: fmt.Sprint("s", s), Pool: ipvs.Config{Name: fmt.Sprint("s", s), Key: key, Quorum: 1, Options: ipvs.Options{Scheduler: "wlc", Bits: 32}}}
		for i := range servers {
			one.Pool.Servers = append(one.Pool.Servers, ipvs.Real{Server: ipvs.Server{Address: largeServer(s, i), Weight: 1}, Checks: 1})
			one.Checks = append(one.Checks, []probes.Config{{Rise: 1, Fall: 1, OnFail: probes.OnFail{Act: probes.Fatal}}})
		}
		cfg.Balance.Services = append(cfg.Balance.Services, one)
	}
	return cfg
}

func largeServer(service, i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(service), byte(i)}), 80)
}

// largeNode is a node with a large site, begun.
func largeNode(cfg supervisor.Config) *supervisor.Node {
	n := supervisor.NewNode(cfg)
	n.Step(time.Unix(1000, 0), supervisor.Start{})
	return n
}

func checked(cfg *supervisor.Config, service, i int, ok bool) supervisor.Checked {
	return supervisor.Checked{Service: cfg.Balance.Services[service].Pool.Key, Server: largeServer(service, i), OK: ok, Detail: "connection refused"}
}

// spreadsOf are the tables that are wanted of the kernel.
func spreadsOf(actions []supervisor.Action) (tables []ipvs.Table) {
	for _, a := range actions {
		if a, ok := a.(supervisor.Spread); ok {
			tables = append(tables, a.Table)
		}
	}
	return tables
}

// However many servers there are, the change of one is one operation in the kernel.
func TestOneServersChangeIsOneOperation(t *testing.T) {
	cfg := largeSite(100, 100)
	n := supervisor.NewNode(cfg)
	tables := spreadsOf(n.Step(time.Unix(1000, 0), supervisor.Start{}))
	if len(tables) != 1 || len(ipvs.Plan(ipvs.Table{}, tables[0], ipvs.Owned{})) != 100+10000 {
		t.Fatalf("at the start: %d tables", len(tables))
	}
	have := tables[0]
	for k, ok := range []bool{false, true, false} {
		tables := spreadsOf(n.Step(time.Unix(1001, 0), checked(&cfg, 57, 57, ok)))
		if len(tables) != 1 {
			t.Fatalf("result %d: %d tables are wanted", k, len(tables))
		}
		if ops := ipvs.Plan(have, tables[0], ipvs.Of(have)); len(ops) != 1 {
			t.Errorf("result %d takes %v", k, ops)
		}
		have = tables[0]
	}
}

// What a look costs that changes nothing does not depend on how many servers there are.
func TestALookThatChangesNothingWantsNothing(t *testing.T) {
	for _, ok := range []bool{true, false} {
		costs := map[int]float64{}
		for _, services := range []int{1, 100} {
			cfg := largeSite(services, 100)
			n := largeNode(cfg)
			n.Step(time.Unix(1001, 0), checked(&cfg, 0, 57, ok))
			var ev supervisor.Event = checked(&cfg, 0, 57, ok)
			if out := n.Step(time.Unix(1002, 0), ev); len(out) > 0 {
				t.Errorf("another look like it: %v", out)
			}
			costs[services] = testing.AllocsPerRun(100, func() { n.Step(time.Unix(1002, 0), ev) })
		}
		if costs[1] != costs[100] || costs[100] > 3 {
			t.Errorf("of 100 servers it takes %v allocations, of 10,000 %v", costs[1], costs[100])
		}
	}
}

func BenchmarkAResultThatChangesNothing(b *testing.B) {
	benchmarkResults(b, func(int) bool { return true })
}
func BenchmarkAServerThatStaysDown(b *testing.B) {
	benchmarkResults(b, func(int) bool { return false })
}
func BenchmarkAServerThatComesAndGoes(b *testing.B) {
	benchmarkResults(b, func(i int) bool { return i%2 == 0 })
}

// benchmarkResults gives a node with 10,000 servers the results of one of them.
func benchmarkResults(b *testing.B, ok func(int) bool) {
	cfg := largeSite(100, 100)
	n := largeNode(cfg)
	n.Step(time.Unix(1001, 0), checked(&cfg, 57, 57, ok(0)))
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		n.Step(time.Unix(1002, 0), checked(&cfg, 57, 57, ok(i)))
	}
}
