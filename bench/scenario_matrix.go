//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
)

// matrixScenarios are the rows of the fault matrix that a machine can act out, with adverts
// every 200 ms on two hosts with systemd: for how long two answered for the address, and
// nobody's proxy did, from the beginning until all is as before.
func matrixScenarios() []scenario {
	var list []scenario
	for _, m := range mishap.All() {
		list = append(list, scenario{
			name: "matrix-" + m.Name, title: m.Title, share: 2, apart: true, mishap: &m,
			measures:    []quantity{{"two answer", inSeconds}, {"nobody answers", inSeconds}, {"until it is as before", inSeconds}},
			contestants: both(settings{version: 3, interval: 200 * time.Millisecond}),
		})
	}
	return list
}

// measureMatrix lets a pair of each tool suffer the same at the same time, on one network.
func measureMatrix(list []scenario, o options) []section {
	var sections []section
	for _, s := range list {
		sections = append(sections, section{scenario: s, values: make([][][]float64, len(s.contestants))})
	}
	showLogs = o.logs
	l := &lab{}
	defer l.close()
	pairs, err := matrixPairs(l, list[0], o)
	if err != nil {
		sections[0].lost = append(sections[0].lost, err.Error())
		return sections
	}
	for i := range sections {
		s := &sections[i]
		begin := time.Now()
		for n := range s.runs(o.n) {
			var all sync.WaitGroup
			for column, p := range pairs {
				all.Go(func() { p.endure(s, column, n) })
			}
			all.Wait()
		}
		s.took = time.Since(begin)
	}
	return sections
}

// matrixPair is two hosts that one tool keeps an address on.
type matrixPair struct {
	*lane
	hosts  *hostlab.Lab
	census *hostlab.Census
	lost   error
	lock   *sync.Mutex // of the sections
}

func matrixPairs(l *lab, s scenario, o options) (pairs []*matrixPair, err error) {
	defer rescue(&err)
	var names []string
	lock := new(sync.Mutex)
	for i, c := range s.contestants {
		p := &matrixPair{lane: &lane{lab: l, contestant: c, site: nginxSite, tool: c.keeper(o), number: i + 1}, lock: lock}
		pairs, names = append(pairs, p), append(names, laneHosts(i+1)...)
	}
	hosts := hostlab.New(l, names...)
	for _, p := range pairs {
		p.hosts = hosts
		p.install(hosts)
		p.begin()
		p.census = hosts.Census(l, p.vip())
	}
	return pairs, nil
}

// endure lets the pair suffer a mishap, and files what clients and the switch saw.
func (p *matrixPair) endure(s *section, column, run int) {
	if p.lost != nil {
		return
	}
	defer func() {
		if p.lost != nil {
			p.lock.Lock()
			s.lost = append(s.lost, fmt.Sprintf("%s, %s, run %d and those after it: %v", s.name, p.name, run+1, p.lost))
			p.lock.Unlock()
		}
	}()
	defer rescue(&p.lost)
	stage := mishap.Stage{T: p.lab, Lab: p.hosts, A: p.a, B: p.b, Unit: p.tool.unit()}
	awaitPhase(p.interval)
	p.client.Mark()
	p.census.Mark()
	s.mishap.Begin(stage)
	time.Sleep(max(s.mishap.Lasts, matrixFault))
	ended := time.Now()
	s.mishap.Ends(stage)
	p.comeBack()
	as := time.Since(ended)
	outage := p.client.Outage()
	values := []float64{seconds(p.census.DualTime()), seconds(outage.Total), seconds(as)}
	fmt.Fprintf(os.Stderr, "%-22s %2d  %-12s %s\n", s.name, run+1, p.name, s.tell(values))
	p.lock.Lock()
	defer p.lock.Unlock()
	s.values[column] = append(s.values[column], values)
	s.stall = max(s.stall, outage.Stall)
}

// matrixFault is how long a mishap lasts that says nothing of it.
const matrixFault = 5 * time.Second

// comeBack waits until the pair is as before the mishap; what was seen meanwhile counts.
func (p *matrixPair) comeBack() {
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if p.tool.settled(p.lane, p.a) && p.tool.settled(p.lane, p.b) && p.lately() {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("%s and %s, %s: not as before within two minutes: %s", p.a.Name(), p.b.Name(), p.name, p.census)
		}
	}
}

// lately tells that the first host alone has answered for a while.
func (p *matrixPair) lately() bool {
	since, some := time.Now().Add(-calm), false
	for _, s := range p.client.Samples() {
		if s.Asked.After(since) {
			if some = true; s.Host != p.a.Name() {
				return false
			}
		}
	}
	return some
}

// keeper is a tool as a unit of systemd that keeps an address, and has no proxy to guard.
func (c contestant) keeper(o options) guardian {
	if c.kind == ours {
		return pairkeeperKeeper{pairkeeperUnit{o.binary}}
	}
	return keepalivedKeeper{}
}

// pairkeeperKeeper has a heartbeat over the second network, and the referee for a gateway.
type pairkeeperKeeper struct{ pairkeeperUnit }

const pairkeeperKeeps = `nodes:
  %[1]s: {address: %[2]s, priority: 150}
  %[3]s: {address: %[4]s, priority: 100}
virtual_routers:
  - {interface: eth0, vrid: %[5]d, addresses: [%[6]s/24], advert_interval: %[7]s, preempt_delay: 0, flap_window: 0}
heartbeat:
  key_file: /etc/pairkeeper/pair.key
  links: [{%[1]s: %[8]s, %[3]s: %[9]s}]
arbitration:
  gateway: [%[10]s]
`

func (k pairkeeperKeeper) install(l *lane, h *hostlab.Host) {
	k.pairkeeperUnit.install(l, h)
	second := func(h *hostlab.Host) string { return strings.Replace(h.Addr(), "10.77.", "10.78.", 1) }
	h.Write(l, "/etc/pairkeeper/pair.key", "hex:"+strings.Repeat("5a", 32)+"\n", 0o600)
	h.Write(l, "/etc/pairkeeper/pairkeeper.yaml", fmt.Sprintf(pairkeeperKeeps,
		l.a.Name(), l.a.Addr(), l.b.Name(), l.b.Addr(), l.vrid(), l.vip(), l.interval, second(l.a), second(l.b), hostlab.Referee), 0o644)
	h.Run(l, "systemctl", "enable", k.unit())
}

func (k pairkeeperKeeper) settled(l *lane, h *hostlab.Host) bool {
	return k.state(l, h) && k.linked(h)
}

// linked tells that the heartbeat is heard both ways.
func (k pairkeeperKeeper) linked(h *hostlab.Host) bool {
	out, err := h.Try("pairkeeper", "status", "--json")
	return err == nil && strings.Contains(out, `"both-ways"`)
}

// keepalivedKeeper is Debian's without a script.
type keepalivedKeeper struct{ keepalivedUnit }

const keepalivedKeeps = `global_defs {
	router_id %s
	vrrp_version %d
}
vrrp_instance VI {
	state %s
	interface eth0
	virtual_router_id %d
	priority %d
	advert_int %g
	virtual_ipaddress {
		%s/24
	}
}
`

func (k keepalivedKeeper) install(l *lane, h *hostlab.Host) {
	state, priority := "BACKUP", 100
	if h == l.a {
		state, priority = "MASTER", 150
	}
	h.Write(l, "/etc/keepalived/keepalived.conf", fmt.Sprintf(keepalivedKeeps,
		h.Name(), l.version, state, l.vrid(), priority, l.interval.Seconds(), l.vip()), 0o644)
	h.Run(l, "systemctl", "enable", k.unit())
}
