package hosts

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// keepalivedConf is the same virtual router as configuration has for lb02, in keepalived's words.
const keepalivedConf = `global_defs {
	script_user root
}
vrrp_instance web {
	state BACKUP
	version 2
	interface eth0
	virtual_router_id 50
	priority 100
	advert_int 1
	virtual_ipaddress {
		10.77.0.100/24
	}
}
`

// newMixedPair is the pair while it is moved over: pairkeeper on lb01, keepalived on lb02, which knows
// neither a heartbeat nor a gate.
func newMixedPair(t *testing.T) *pair {
	t.Helper()
	netlab.Need(t, "nginx", "haproxy", "keepalived")
	lab := hostlab.New(t, "lb01", "lb02")
	p := &pair{t: t, proxy: nginx, lab: lab, a: lab.Host("lb01"), b: lab.Host("lb02")}
	p.install(p.a, "")
	text := strings.ReplaceAll(configFor(nginx, ""), "    vrid: 50\n", "    vrid: 50\n    version: 2\n    advert_interval: 1s\n")
	p.a.Write(t, "/etc/pairkeeper/pairkeeper.yaml", text, 0o644)
	p.b.Write(t, "/etc/keepalived/keepalived.conf", keepalivedConf, 0o644)
	p.b.Run(t, "systemctl", "enable", "--now", "keepalived.service")
	p.a.Run(t, "systemctl", "enable", "--now", "pairkeeper.service")
	p.client, p.census = lab.Client(vip, 5*time.Millisecond), lab.Census(t, vip)
	p.client.WaitFor(t, "lb01", soon)
	time.Sleep(2 * time.Second) // keepalived has left
	return p
}

// begins lets a mishap happen, until the test says that it ends.
func (p *pair) begins(name string) (ends func()) {
	p.t.Helper()
	stage := mishap.Stage{T: p.t, Lab: p.lab, A: p.a, B: p.b, Unit: "pairkeeper.service"}
	for _, m := range mishap.All() {
		if m.Name == name {
			p.mark()
			m.Begin(stage)
			return func() { p.t.Helper(); m.Ends(stage) }
		}
	}
	p.t.Fatalf("there is no mishap %s", name)
	return nil
}

// sees logs what the client and the census saw, and says for how long nobody may have held.
func (p *pair) sees(what string, none time.Duration) {
	p.t.Helper()
	o := p.client.Outage()
	p.t.Logf("%s: answered by %v; %v; two holders: %s", what, p.client.Hosts(), o, p.census.DualTime())
	if o.Total > none+o.Stall {
		p.t.Errorf("%s: nobody answered for %s, at the most %s", what, o.Total, none)
	}
}

// A keepalived has no heartbeat and no gate. What VRRP gives holds then, and ours says what it
// sees; what is ours lets go as ever.
func TestAKeepalivedIsThePeer(t *testing.T) {
	p := newMixedPair(t)
	const down = 5 * time.Second // a down interval of adverts every second, and a busy machine

	ends := p.begins("vrrp")
	time.Sleep(6 * time.Second)
	if got := p.lab.Holders(t, vip); !slices.Equal(got, []string{"lb01", "lb02"}) {
		t.Errorf("held by %v: without a heartbeat a firewall that eats VRRP makes two holders", got)
	}
	s := p.await(p.a, "it holds", func(s daemon.Status) bool { return s.Routers[0].State == "ACTIVE" })
	if s.Heartbeat != nil || s.Routers[0].Arbiter != nil {
		t.Errorf("status has a heartbeat %+v or an arbiter %+v, and there is none", s.Heartbeat, s.Routers[0].Arbiter)
	}
	p.wantJournal(p.a, "announces an address that is held here (address-claimed): find out by its MAC address who has the address, too")
	if !p.remarked(p.a, "address-claimed") {
		t.Error("status does not say that somebody else announces the address")
	}
	p.wantExplained(p.a, "Whether it is there is not known")
	ends()
	time.Sleep(4 * time.Second)
	p.sees("all adverts are blocked", blink)
	if got := p.lab.Holders(t, vip); !slices.Equal(got, []string{"lb01"}) {
		t.Errorf("held by %v afterwards, want lb01 alone", got)
	}
	p.wantJournal(p.a, "10.77.0.2 is Active too, with priority 100 (lower-advert)")

	// Our daemon dies and hangs: its gate shuts.
	ends = p.begins("killed")
	p.client.WaitFor(t, "lb02", soon)
	ends()
	p.client.WaitFor(t, "lb01", soon)
	p.sees("our daemon is killed", down)
	p.neverTwo()
	p.begins("hangs")
	p.client.WaitFor(t, "lb02", soon)
	p.client.WaitFor(t, "lb01", soon) // the watchdog
	p.sees("our daemon hangs", down)
	p.neverTwo()

	// keepalived holds, and is killed or hangs: its kernel answers on for ever. Ours waits for longer
	// than any of its own kernels would, takes all the same, and says who has the address, too.
	// It stands still before it is killed: the child of a killed keepalived else still says goodbye.
	for _, signals := range [][]string{{"STOP", "KILL"}, {"STOP"}} {
		p.a.Run(t, "systemctl", "stop", "pairkeeper")
		p.client.WaitFor(t, "lb02", soon)
		p.a.Run(t, "systemctl", "start", "pairkeeper")
		for _, signal := range signals {
			p.kill(p.b, "keepalived.service", signal, "all")
		}
		p.mark()
		p.client.WaitFor(t, "lb01", soon)
		p.sees("keepalived gets "+strings.Join(signals, ", "), down)
		if got := p.lab.Holders(t, vip); !slices.Equal(got, []string{"lb01", "lb02"}) {
			t.Errorf("held by %v: nothing takes the address from lb02", got)
		}
		for _, reason := range []string{"address-answered", "address-contest"} {
			if !p.remarked(p.a, reason) {
				t.Errorf("status does not say %s", reason)
			}
		}
		p.wantOrder(p.a, "02:10:77:00:00:02 sends no adverts but still holds the address", "(address-contest): find out by its MAC address who keeps the address", "BACKUP -> ACTIVE")
		p.b.Run(t, "sh", "-c", "systemctl kill --kill-whom=all -s CONT keepalived; systemctl restart keepalived")
	}
}

// remarked tells whether a host's status has a remark about its router.
func (p *pair) remarked(h *hostlab.Host, reason string) bool {
	p.t.Helper()
	s, err := p.status(h)
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.ContainsFunc(s.Routers[0].Remarks, func(r daemon.RemarkStatus) bool { return r.Reason == reason })
}
