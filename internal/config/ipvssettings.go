package config

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// balance is what concerns all virtual servers.
type balance struct {
	timeouts ipvs.Timeouts
	sync     supervisor.SyncDaemon
	keep     bool
}

const syncExample = "{interface: eth1, id: 1}"

// readBalance reads ipvs:, once the virtual servers are known.
func (d *Document) readBalance(v value) {
	f, ok := v.fields("{sync: "+syncExample+"}", "sync", "timeouts", "keep_on_stop")
	if !ok {
		return
	}
	b := &d.balance
	f.boolean("keep_on_stop", &b.keep)
	if t, ok := f.keys["timeouts"]; ok {
		readTimeouts(t, &b.timeouts)
	}
	if s, ok := f.keys["sync"]; ok {
		d.readSync(s)
	}
}

func readTimeouts(v value, t *ipvs.Timeouts) {
	f, ok := v.fields("{tcp: 15m, tcp_fin: 2m, udp: 5m}", "tcp", "tcp_fin", "udp")
	if !ok {
		return
	}
	for _, k := range []struct {
		key  string
		into *time.Duration
	}{{"tcp", &t.TCP}, {"tcp_fin", &t.TCPFin}, {"udp", &t.UDP}} {
		if f.duration(k.key, k.into, time.Second, longPersistence) && *k.into%time.Second != 0 {
			f.keys[k.key].errorf("%s is not a whole number of seconds, the kernel counts in those", printDuration(*k.into))
		}
	}
}

// readSync reads the sync daemon, which follows a router: the one named, or the first.
func (d *Document) readSync(v value) {
	f, ok := v.fields(syncExample, "interface", "id", "router")
	if !ok {
		return
	}
	s := &d.balance.sync
	if _, ok := f.need("interface", "eth1"); ok {
		readInterface(f, "interface", &s.Interface)
	}
	id := 1
	f.integer("id", &id, 1, 255)
	s.ID = uint8(id)
	switch r, named := f.keys["router"]; {
	case len(d.routers) == 0:
		v.errorf("needs virtual_routers:, whose Active node tells the other one")
	case named:
		s.Router = d.routerNamed(r)
	default:
		s.Router = d.routers[0].shared.Name
	}
	for i := range d.virtualServers {
		if one := &d.virtualServers[i]; one.bridges() {
			v.errorf("cannot be had with %s, whose servers are of another family than its clients: the kernel's protocol has no room for that", show(one.name))
		}
	}
}

// bridges tells whether a server is of another family than the clients.
func (s *virtualServer) bridges() bool {
	for i := range s.servers {
		if s.servers[i].address.Is6() != s.ipv6 {
			return true
		}
	}
	return false
}

// balanceFor is what a node is told of IPVS.
func (d *Document) balanceFor() supervisor.Balance {
	b := supervisor.Balance{Timeouts: d.balance.timeouts, Sync: d.balance.sync, KeepOnStop: d.balance.keep}
	for i := range d.virtualServers {
		b.Services = append(b.Services, d.virtualServers[i].services()...)
	}
	return b
}

func (b *balance) tree() *yaml.Node {
	t := block()
	if b.sync.Interface != "" {
		s := flow()
		s.set("interface", text(b.sync.Interface))
		s.set("id", number(b.sync.ID))
		s.set("router", text(b.sync.Router))
		t.set("sync", s.Node)
	}
	if b.timeouts != (ipvs.Timeouts{}) {
		one := flow()
		for _, k := range []struct {
			key string
			d   time.Duration
		}{{"tcp", b.timeouts.TCP}, {"tcp_fin", b.timeouts.TCPFin}, {"udp", b.timeouts.UDP}} {
			if k.d > 0 {
				one.set(k.key, duration(k.d))
			}
		}
		t.set("timeouts", one.Node)
	}
	t.set("keep_on_stop", boolean(b.keep))
	return t.Node
}
