package supervisor

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Checked is the result of one look of one check of a real server.
type Checked struct {
	Service ipvs.Key
	Server  netip.AddrPort
	Check   int // its number among the server's checks
	OK      bool
	Detail  string
}

// Spread wants the kernel's IPVS to have a table, and nothing else that was wanted before.
type Spread struct{ Table ipvs.Table }

// PoolAction is what happened to the servers of a service.
type PoolAction struct {
	Service ipvs.Key
	Name    string // the service's
	Action  ipvs.Action
}

func (Checked) isEvent()     {}
func (Spread) isAction()     {}
func (PoolAction) isAction() {}

func (e Checked) String() string {
	word := "failed"
	if e.OK {
		word = "good"
	}
	return fmt.Sprintf("check %d of server %s of %s: %s: %s", e.Check, e.Server, e.Service, word, e.Detail)
}

func (a Spread) String() string {
	servers := 0
	for i := range a.Table.Services {
		servers += len(a.Table.Services[i].Servers)
	}
	return fmt.Sprintf("spread %d services over %d servers%s", len(a.Table.Services), servers, syncWords(a.Table.Sync))
}

func syncWords(list []ipvs.Sync) string {
	text := ""
	for _, s := range list {
		text += ", sync " + s.String()
	}
	return text
}

func (a PoolAction) String() string { return a.Name + " " + a.Action.String() }

// Reason is why an action of a pool is told.
func (a PoolAction) Reason() vrrp.Reason {
	switch a.Action.(type) {
	case ipvs.ServerUp:
		return ReasonServerUp
	case ipvs.ServerDown:
		return ReasonServerDown
	case ipvs.QuorumGained:
		return ReasonQuorumGained
	}
	return ReasonQuorumLost
}

// balance is what the node knows of its real servers, and what it last wanted of the kernel.
type balance struct {
	services []*service
	byKey    map[ipvs.Key]*service
	wanted   ipvs.Table
	told     bool // wanted was told
	stale    bool // what is wanted may be something else by now
}

// service is one service with its pool and the opinions of its checks.
type service struct {
	cfg      VirtualServer
	pool     *ipvs.Pool
	counters [][]*probes.Counter // of each server
	now      ipvs.Service        // as the pool has it
}

// balanceBegins makes the pools.
func (s *step) balanceBegins() {
	s.balance.stale = true
	s.pools(nil)
}

// pools makes the pools of the configuration; what did not change is as it was.
func (s *step) pools(old map[ipvs.Key]*service) {
	b, cfg := &s.balance, s.cfg.Balance.Services
	b.services, b.byKey = make([]*service, 0, len(cfg)), make(map[ipvs.Key]*service, len(cfg))
	for _, c := range cfg {
		one := old[c.Pool.Key]
		if one == nil {
			one = &service{cfg: c, pool: ipvs.NewPool(c.Pool, s.now)}
			one.counters = newCounters(c.Checks)
		} else {
			s.retunePool(one, c)
		}
		one.now = one.pool.Service()
		b.services, b.byKey[c.Pool.Key] = append(b.services, one), one
	}
}

func newCounters(checks [][]probes.Config) [][]*probes.Counter {
	list := make([][]*probes.Counter, len(checks))
	for i, of := range checks {
		for _, c := range of {
			list[i] = append(list[i], probes.NewCounter(c))
		}
	}
	return list
}

// retunePool goes on with another configuration of a service. Checks that are the same go on
// counting; where there are more or fewer of a server, the pool forgets what they said, and so
// do they.
func (s *step) retunePool(one *service, cfg VirtualServer) {
	if reflect.DeepEqual(one.cfg, cfg) {
		return
	}
	counters := newCounters(cfg.Checks)
	for i := range counters {
		at := one.find(cfg.Pool.Servers[i].Server.Address)
		if at < 0 || len(counters[i]) != len(one.counters[at]) {
			continue
		}
		for n := range counters[i] {
			if reflect.DeepEqual(cfg.Checks[i][n], one.cfg.Checks[at][n]) {
				counters[i][n] = one.counters[at][n]
			}
		}
	}
	one.cfg, one.counters = cfg, counters
	s.poolStep(one, ipvs.Retuned{Config: cfg.Pool})
}

func (one *service) find(server netip.AddrPort) int {
	return slices.IndexFunc(one.cfg.Pool.Servers, func(r ipvs.Real) bool { return r.Server.Address == server })
}

// reconfigureBalance applies the difference between two configurations, of which cfg is in
// force by now.
func (s *step) reconfigureBalance() {
	s.balance.stale = true
	s.pools(s.balance.byKey)
}

// checked counts a result and tells the pool of the opinion that it makes.
func (s *step) checked(ev Checked) {
	one := s.balance.byKey[ev.Service]
	if one == nil {
		return // a look that began before the configuration changed
	}
	i := one.find(ev.Server)
	if i < 0 || ev.Check >= len(one.counters[i]) {
		return
	}
	c, on := one.counters[i][ev.Check], one.cfg.Checks[i][ev.Check].OnFail
	changed := c.Add(s.now, ev.OK)
	if !changed && (ev.OK || c.State() != probes.Failed) {
		return // of a failed one the words may be others by now
	}
	good := c.State() == probes.Good
	judged := ipvs.Judged{Server: ev.Server, Check: ev.Check, Good: good != on.Reverse, Why: ev.Detail}
	if on.Act == probes.Weigh {
		judged.Good, judged.Offset = true, on.Offset(good)
	}
	if acted := s.poolStep(one, judged); !changed && !acted {
		return // other words only
	}
	one.now = one.pool.Service()
	s.balance.stale = true
}

func (s *step) poolStep(one *service, ev ipvs.Event) (acted bool) {
	actions := one.pool.Step(s.now, ev)
	for _, a := range actions {
		s.do(PoolAction{one.cfg.Pool.Key, one.cfg.Pool.Name, a})
	}
	return len(actions) > 0
}

// balanceEnds tells the end, where that is wanted.
func (s *step) balanceEnds() {
	s.balance.stale = true
	for _, one := range s.balance.services {
		s.poolStep(one, ipvs.Ended{})
	}
}

// balanceSettled tells what is wanted of the kernel, where that has changed.
func (s *step) balanceSettled() {
	b := &s.balance
	if !b.stale || !s.started {
		return
	}
	b.stale = false
	if !b.told && !s.cfg.Balance.Set() || s.stopping && (s.cfg.Balance.KeepOnStop || s.parting.bridges) {
		return
	}
	if want := s.wantedTable(); !b.told || !sameTable(&want, &b.wanted) {
		b.wanted, b.told = want, true
		s.do(Spread{want})
	}
}

// wantedTable is what the kernel is to have now.
func (n *Node) wantedTable() ipvs.Table {
	var t ipvs.Table
	if n.stopping {
		return t
	}
	t.Timeouts = n.cfg.Balance.Timeouts
	for _, one := range n.balance.services {
		if n.serves(one) {
			t.Services = append(t.Services, one.now)
		}
	}
	if d := n.cfg.Balance.Sync; d.Interface != "" {
		role := ipvs.Backup
		if n.has(d.Router) {
			role = ipvs.Master
		}
		t.Sync = []ipvs.Sync{{Role: role, ID: d.ID, Interface: d.Interface}}
	}
	return t
}

// serves tells whether a service is this node's now.
func (n *Node) serves(one *service) bool {
	return one.cfg.Router == "" || n.has(one.cfg.Router)
}

func sameTable(a, b *ipvs.Table) bool {
	return a.Timeouts == b.Timeouts && slices.Equal(a.Sync, b.Sync) &&
		slices.EqualFunc(a.Services, b.Services, func(a, b ipvs.Service) bool {
			return a.Key == b.Key && a.Options == b.Options && sameServers(a.Servers, b.Servers)
		})
}

// sameServers compares two lists; those of a service that did not change are the same one.
func sameServers(a, b []ipvs.Server) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// ServiceView is one service of a virtual server.
type ServiceView struct {
	ipvs.View
	Router string // whose Active node serves it; empty: both
	Serves bool   // this node does
}

// Services are how many services there are.
func (n *Node) Services() int { return len(n.balance.services) }

// Service tells of one service by its number.
func (n *Node) Service(i int) ServiceView {
	one := n.balance.services[i]
	return ServiceView{View: one.pool.View(), Router: one.cfg.Router, Serves: n.started && !n.stopping && n.serves(one)}
}
