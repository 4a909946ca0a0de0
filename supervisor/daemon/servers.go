package daemon

import (
	"context"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/probes/probesnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
)

// watchServers begins to check the real servers, in place of those of before.
func (h *hands) watchServers() {
	if h.endChecks != nil {
		h.endChecks() // without waiting for a look under way
	}
	h.checks, h.endChecks = nil, nil
	cfgs, of := checksOf(&h.cfg.Balance)
	if len(cfgs) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.endChecks = cancel
	h.checks = probesnet.Run(ctx, cfgs, func(i int, r probesnet.Result) {
		ev := of[i]
		ev.OK, ev.Detail = r.OK, r.Detail
		h.answer(ctx, ev)
	})
}

// checksOf are the checks of all servers, and of each what it is to be told with.
func checksOf(b *supervisor.Balance) (cfgs []probes.Config, of []supervisor.Checked) {
	for i := range b.Services {
		s := &b.Services[i]
		for n, r := range s.Pool.Servers {
			for c, check := range s.Checks[n] {
				cfgs = append(cfgs, check.At(r.Server.Address))
				of = append(of, supervisor.Checked{Service: s.Pool.Key, Server: r.Server.Address, Check: c})
			}
		}
	}
	return cfgs, of
}

func (h *hands) closeChecks() {
	if h.checks != nil {
		h.endChecks()
		h.checks.Close()
	}
}

// poolAction writes what became of a server or a quorum, and has its hook run.
func (l *loop) poolAction(a supervisor.PoolAction) {
	l.journal.note(supervisor.Note{Reason: a.Reason(), Detail: a.String()})
	if i := l.cfg.Balance.Find(a.Service); i >= 0 {
		l.hands.hooks.Served(notifynet.ServerChange{PoolAction: a, Node: l.cfg.Node, Peer: l.cfg.Peer}, l.cfg.Balance.Services[i].Hooks)
	}
}
