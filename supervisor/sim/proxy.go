package sim

import (
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// proxy is a host's nginx under systemd.
type proxy struct {
	host    *host
	up      bool
	hung    bool // runs, but answers nobody
	wrong   int  // answers with errors until it has been reloaded or restarted so often
	slow    bool // a start never ends
	broken  bool // a restart fails
	refused bool // its test fails
	state   supervisor.UnitState
}

// serves tells whether the proxy answers clients.
func (p *proxy) serves() bool { return p.up && !p.hung && p.wrong == 0 && !p.host.frozen }

func (p *proxy) set(s supervisor.UnitState) {
	s.Load = "loaded"
	p.state = s
	p.up = s.Active == "active"
	p.hung = p.hung && p.up
	p.host.planned(notice, p.tell)
}

func (p *proxy) tell() { p.host.tell(supervisor.UnitChanged{State: p.state}) }

func (p *proxy) start() { p.set(supervisor.UnitState{Active: "active", Sub: "running", MainPID: 100}) }

func (p *proxy) kill() {
	if p.up || p.slow {
		p.set(supervisor.UnitState{Active: "failed", Sub: "failed", Result: "signal", Exit: "SIGKILL"})
	}
}

func (p *proxy) stop() {
	p.set(supervisor.UnitState{Active: "inactive", Sub: "dead", Result: "success", StopAsked: true})
}

// test answers RunTest.
func (p *proxy) test() {
	p.host.planned(p.host.world.latency(testTakes), func() {
		ev := supervisor.TestDone{}
		if p.refused {
			ev.Problem = "nginx -t: exit 1"
		}
		p.host.tell(ev)
	})
}

// reload answers Reload.
func (p *proxy) reload() {
	p.host.planned(p.host.world.latency(notice), func() {
		p.wrong = max(p.wrong-1, 0)
		p.host.tell(supervisor.ReloadDone{})
	})
}

// halt answers Halt.
func (p *proxy) halt() {
	p.set(supervisor.UnitState{Active: "inactive", Sub: "dead", Result: "success"})
	p.host.planned(p.host.world.latency(restartTakes), func() { p.host.tell(supervisor.HaltDone{}) })
}

// hangs is a start that somebody asked for and that does not end.
func (p *proxy) hangs() {
	p.slow = true
	p.set(supervisor.UnitState{Active: "activating", Sub: "start", Job: "start"})
}

// restart answers Restart.
func (p *proxy) restart() {
	p.set(supervisor.UnitState{Active: "activating", Sub: "start"})
	p.slow = false
	p.wrong = max(p.wrong-1, 0)
	p.host.planned(p.host.world.latency(restartTakes), func() {
		ev := supervisor.RestartDone{}
		p.hung = false
		if p.broken {
			p.set(supervisor.UnitState{Active: "failed", Sub: "failed", Result: "exit-code", Exit: "exit 1"})
			ev.Problem = "job failed"
		} else {
			p.start()
		}
		p.tell()
		p.host.tell(ev)
	})
}

// look is the probe's loop.
func (p *proxy) look(cfg probes.Config) {
	p.lookOnce(cfg)
	p.host.planned(cfg.Interval, func() { p.look(cfg) })
}

func (p *proxy) lookOnce(cfg probes.Config) {
	if cfg.OnFail.Act == probes.AskPeer {
		p.askPeer(cfg)
		return
	}
	if cfg.OnFail.Act == probes.Arbitrate {
		ev, takes := supervisor.Looked{Probe: cfg.Name, OK: p.host.asks()}, p.host.world.latency(wire)
		if !ev.OK {
			takes = cfg.Timeout
		}
		p.host.planned(takes, func() { p.host.tell(ev) })
		return
	}
	ev := supervisor.Looked{Probe: cfg.Name, OK: p.good(cfg)}
	takes := p.host.world.latency(wire)
	switch {
	case cfg.OnFail.Act != probes.Guard:
		ev.Detail = "it fails"
	case p.host.failing[cfg.Name]:
		ev.Detail, ev.Answered = "503, want 200", true
	case !p.up:
		ev.Detail = "connection refused"
	case p.hung:
		ev.Detail = "no answer within " + cfg.Timeout.String()
		takes = cfg.Timeout
	case p.wrong > 0:
		ev.Detail, ev.Answered = "503, want 200", true
	}
	p.host.planned(takes, func() { p.host.tell(ev) })
}

// good tells what a look comes to. A probe that has nothing to do with the proxy fails only
// when a story says so; one that must not be good is the other way round.
func (p *proxy) good(cfg probes.Config) bool {
	fails := p.host.failing[cfg.Name]
	if i, ok := cfg.Check.(probes.Interface); ok && p.host.nic(i.Name) != nil {
		fails = fails || !p.host.nic(i.Name).carrier
	}
	if cfg.OnFail.Act == probes.Guard {
		return p.serves() && !fails
	}
	return fails == cfg.OnFail.Reverse
}

// askPeer asks the other host's proxy at that one's own address.
func (p *proxy) askPeer(cfg probes.Config) {
	w := p.host.world
	for _, peer := range w.hosts {
		if peer == p.host {
			continue
		}
		ev, takes := supervisor.Looked{Probe: cfg.Name}, cfg.Timeout
		if w.connected(p.host, peer) && !peer.proxy.hung {
			takes = 2 * w.latency(wire)
			ev.OK, ev.Answered, ev.Refused = peer.proxy.serves(), peer.proxy.up, !peer.proxy.up
		}
		p.host.planned(takes, func() { p.host.tell(ev) })
	}
}
