package ipvs

import (
	"net/netip"
	"testing"
)

// site is a table of services with servers.
func site(services, servers int) Table {
	var t Table
	for s := range services {
		one := Service{Key: Key{Protocol: TCP, Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(s)}), 80)}, Options: Options{Scheduler: "wlc", Bits: 32}}
		for i := range servers {
			one.Servers = append(one.Servers, Server{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(s), byte(i)}), 80), Weight: 1})
		}
		t.Services = append(t.Services, one)
	}
	return t
}

// changed is a table with another server at one place; nil: without it.
func changed(t Table, service, server int, to *Server) Table {
	t = Apply(t, nil)
	s := &t.Services[service]
	if to == nil {
		return Apply(t, []Op{RemoveServer{s.Key, s.Servers[server].Address}})
	}
	return Apply(t, []Op{EditServer{s.Key, *to}})
}

// However large the table is, what one server does is one change.
func TestOneServersChangeIsOneOperationOfALargeTable(t *testing.T) {
	have := site(100, 100)
	for _, service := range []int{0, 57, 99} {
		for _, server := range []int{0, 57, 99} {
			lighter := have.Services[service].Servers[server]
			lighter.Weight = 0
			key := have.Services[service].Key
			gone := changed(have, service, server, nil)
			for name, c := range map[string]struct {
				have, want Table
				op         Op
			}{
				"removed":        {have, gone, RemoveServer{key, lighter.Address}},
				"weight 0":       {have, changed(have, service, server, &lighter), EditServer{key, lighter}},
				"comes back":     {gone, have, AddServer{key, have.Services[service].Servers[server]}},
				"nothing at all": {have, site(100, 100), nil},
			} {
				ops := Plan(c.have, c.want, Of(have))
				if c.op == nil && len(ops) == 0 {
					continue
				}
				if len(ops) != 1 || ops[0] != c.op {
					t.Errorf("server %d of service %d, %s: %v, want %v", server, service, name, ops, c.op)
				}
			}
		}
	}
}

func BenchmarkPlanOneServerOf10000(b *testing.B) {
	have := site(100, 100)
	want := changed(have, 57, 57, nil)
	same := site(100, 100) // nothing is shared with what the kernel is read to have
	for i := range same.Services {
		if i != 57 {
			want.Services[i] = same.Services[i]
		}
	}
	owned := Of(have)
	for b.Loop() {
		if len(Plan(have, want, owned)) != 1 {
			b.Fatal("not one operation")
		}
	}
}
