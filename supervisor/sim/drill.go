package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Drill is a fault that can be rehearsed.
type Drill struct {
	Name  string // what --fault takes, such as nginx@lb01
	What  string // in words
	Begin []Happening
	End   []Happening // what mends it
	// Parts tells that no evidence of the two nodes tells this fault from the other one's
	// death: two holders are prevented by a third vote, a fence or a named winner alone.
	Parts bool
	// Worse is a node that a penalty makes worse than the other one; empty: none.
	Worse string
	Lasts time.Duration // at least
}

// Happening is what happens to a node, in the words of a story.
type Happening struct{ Who, What string }

// Drills are the faults that concern a pair, in the order of what is most common.
func Drills(a, b *supervisor.Config) []Drill {
	d := &drills{a: a, nodes: []string{a.Node, b.Node}}
	d.proxy()
	d.probes()
	d.hosts()
	d.networks()
	d.vrrp()
	d.heartbeat()
	d.peers()
	d.gateway()
	d.votes()
	return d.list
}

// drills collects them.
type drills struct {
	a     *supervisor.Config // of one node, as both have the same probes and interfaces
	nodes []string
	list  []Drill
}

// each adds a fault of each node, what is what happens to it and mend what ends it.
func (d *drills) each(name, text, what, mend string, change ...func(*Drill)) {
	for _, n := range d.nodes {
		one := Drill{Name: name + "@" + n, What: fmt.Sprintf(text, n)}
		one.Begin = append(one.Begin, Happening{n, what})
		if mend != "" {
			one.End = append(one.End, Happening{n, mend})
		}
		for _, c := range change {
			c(&one)
		}
		d.list = append(d.list, one)
	}
}

// both adds a fault of both nodes at once.
func (d *drills) both(name, text, what, mend string) {
	one := Drill{Name: name, What: text, Begin: []Happening{{"both", what}}, End: []Happening{{"both", mend}}}
	d.list = append(d.list, one)
}

func (d *drills) proxy() {
	if !d.a.Proxy.Guarded() {
		return
	}
	name := proxyName(d.a.Proxy.Name())
	d.each(name+"-killed", name+" on %s is killed, and a restart mends it", "proxy killed", "proxy mended")
	d.each(name, name+" on %s dies, and no restart mends it", "proxy breaks", "proxy mended")
	d.each(name+"-config", name+" on %s dies, and its configuration is broken", "proxy config broken", "proxy mended")
	d.each(name+"-stopped", "somebody stops "+name+" on %s", "proxy stopped", "proxy started")
	d.both(name+"@both", name+" dies on both nodes, and no restart mends it", "proxy breaks", "proxy mended")
	if slices.ContainsFunc(d.a.Probes, guards) {
		d.each(name+"-hangs", name+" on %s runs and answers nobody", "proxy hangs", "proxy mended")
		d.each(name+"-errors", name+" on %s answers with errors, and no restart mends it", "proxy wrong", "proxy right")
	}
}

// proxyName is a unit's name without its kind, or a command's without its path.
func proxyName(unit string) string {
	return strings.TrimSuffix(unit[strings.LastIndex(unit, "/")+1:], ".service")
}

func guards(p probes.Config) bool { return p.OnFail.Act == probes.Guard }

// probes adds those that have nothing to do with the proxy.
func (d *drills) probes() {
	for i := range d.a.Probes {
		p := &d.a.Probes[i]
		if p.OnFail.Act != probes.Fatal && p.OnFail.Act != probes.Weigh {
			continue
		}
		name := "probe-" + strings.ReplaceAll(p.Name, " ", "-")
		what, mend := "probe "+p.Name+" fails", "probe "+p.Name+" mends"
		d.each(name, "probe "+p.Name+" is bad on %s", what, mend, ranked(p.OnFail.Act == probes.Weigh))
		d.both(name+"@both", "probe "+p.Name+" is bad on both nodes", what, mend)
	}
}

// ranked tells that a fault only makes a node worse than the other one.
func ranked(so bool) func(*Drill) {
	return func(d *Drill) {
		if so {
			d.Worse = d.Begin[0].Who
		}
	}
}

func (d *drills) hosts() {
	d.each("power", "%s loses power", "power cut", "power on")
	d.each("daemon-stop", "pairkeeper on %s is stopped", "daemon stop", "daemon start")
	d.each("daemon-killed", "pairkeeper on %s is killed, and nobody starts it", "daemon killed", "daemon start")
	d.each("daemon-hangs", "pairkeeper on %s hangs", "daemon hangs", "daemon resumes")
	d.each("suspended", "%s is paused for a while, and its clocks jump", "host suspended", "host thaws")
	d.each("frozen", "%s is paused for a while, and its clocks stand still", "host frozen", "host thaws")
}

// networks adds the interfaces of the routers and those that they track.
func (d *drills) networks() {
	var used, tracked []string
	add := func(list *[]string, name string) {
		if name != "" && !slices.Contains(used, name) && !slices.Contains(tracked, name) {
			*list = append(*list, name)
		}
	}
	for i := range d.a.Routers {
		add(&used, d.a.Routers[i].Interface)
		add(&used, d.a.Routers[i].AdvertsOn())
	}
	for i := range d.a.Routers {
		for _, t := range d.a.Routers[i].Track {
			add(&tracked, t.Interface)
		}
	}
	for i := range d.a.Probes {
		if c, ok := d.a.Probes[i].Check.(probes.Interface); ok {
			add(&tracked, c.Name)
		}
	}
	for _, name := range append(used, tracked...) {
		d.each(name, "%s loses the cable of "+name, "cable cut "+name, "cable back "+name, ranked(slices.Contains(tracked, name)))
	}
	for _, name := range used {
		d.each(name+"-switch", "the switch drops all frames of %s on "+name, "isolated "+name, "cable back "+name)
	}
}

func (d *drills) vrrp() {
	if len(d.a.Routers) == 0 {
		return
	}
	d.each("vrrp", "a firewall keeps VRRP from %s", "vrrp blocked", "vrrp passes")
	d.both("vrrp@both", "a firewall keeps VRRP from both nodes", "vrrp blocked", "vrrp passes")
}

func (d *drills) heartbeat() {
	n := len(d.a.Heartbeat.Links)
	if n == 0 {
		return
	}
	who := d.nodes[0]
	add := func(name, text string, list ...string) {
		one := Drill{Name: name, What: text}
		for _, what := range list {
			one.Begin = append(one.Begin, Happening{who, what})
		}
		one.End = []Happening{{who, "heartbeat back"}, {"both", "vrrp passes"}}
		d.list = append(d.list, one)
	}
	for i := 1; i <= n && n > 1; i++ {
		add(fmt.Sprintf("heartbeat-%d", i), fmt.Sprintf("link %d of the heartbeat is cut", i), fmt.Sprintf("heartbeat %d cut", i))
	}
	add("heartbeat", "the heartbeat is cut", "heartbeat cut")
	add("heartbeat-out", "the heartbeat from "+who+" gets lost", "heartbeat cut out")
	add("heartbeat-in", "the heartbeat to "+who+" gets lost", "heartbeat cut in")
	add("vrrp+heartbeat", "VRRP and the heartbeat are blocked, ARP is not", "heartbeat cut", "vrrp blocked", "vrrp blocked out")
}

// peers adds what lies between the nodes.
func (d *drills) peers() {
	if len(d.a.Routers) == 0 {
		return
	}
	a, b := d.nodes[0], d.nodes[1]
	parts := func(x *Drill) { x.Parts = true }
	add := func(name, text, what, mend string, change ...func(*Drill)) {
		one := Drill{Name: name, What: text, Begin: []Happening{{a, what}}, End: []Happening{{a, mend}}}
		for _, c := range change {
			c(&one)
		}
		d.list = append(d.list, one)
	}
	add("between", "nothing passes between the nodes; both reach all others", "peer cut", "peer back", parts)
	add("between@"+a, "nothing gets from "+a+" to "+b+"; both reach all others", "peer cut out", "peer back", parts)
	add("between@"+b, "nothing gets from "+b+" to "+a+"; both reach all others", "peer cut in", "peer back", parts)
	add("loss", "30 % of the packets of "+a+" get lost, both ways", "loss 30", "loss 0", parts)
}

func (d *drills) gateway() {
	if !slices.ContainsFunc(d.a.Probes, func(p probes.Config) bool { return p.OnFail.Act == probes.Arbitrate }) {
		return
	}
	d.each("gateway", "%s does not reach the gateway", "gateway lost", "gateway found")
	d.both("gateway@both", "nobody reaches the gateway", "gateway lost", "gateway found")
	d.each("gateway-flaps", "the gateway of %s comes and goes every 2 s", "gateway flaps", "gateway found")
}

// votes adds what becomes of the third vote and the fence, alone and when they are needed.
func (d *drills) votes() {
	a := d.nodes[0]
	add := func(name, text string, begin, end []string) {
		one := Drill{Name: name, What: text, Parts: len(begin) > 1}
		for _, what := range begin {
			one.Begin = append(one.Begin, Happening{a, what})
		}
		for _, what := range end {
			one.End = append(one.End, Happening{a, what})
		}
		d.list = append(d.list, one)
	}
	if len(d.a.Arbitration.Voters) > 0 {
		add("voters", "no witness and no disk answers", []string{"witness down"}, []string{"witness up"})
		add("voters+power@"+a, "the same, and "+a+" loses power", []string{"witness down", "power cut"}, []string{"witness up", "power on"})
		add("voters+between", "the same, and nothing passes between the nodes", []string{"witness down", "peer cut"}, []string{"witness up", "peer back"})
	}
	if len(d.a.Fence.Agents) > 0 {
		add("fence+power@"+a, a+" loses power, and the fence fails", []string{"fence fails", "power cut"}, []string{"fence works", "power on"})
	}
}
