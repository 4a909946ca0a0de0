package daemon

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// armory is what the other host is fenced with.
func armory(c *supervisor.Config) *fencingnet.Armory {
	return &fencingnet.Armory{Node: c.Node, Peer: c.Peer, Agents: c.Fence.Agents, Timeout: c.Fence.Timeout}
}

// shoot has the other host fenced. Another configuration does not call a shot back; the
// daemon's end does.
func (h *hands) shoot(a supervisor.Shoot) {
	with, action, ctx := armory(&h.cfg), h.cfg.Fence.Action(), h.fenceCtx
	h.fencing.Go(func() {
		by, err := with.Shoot(ctx, action)
		h.answer(ctx, supervisor.ShotDone{Serial: a.Serial, By: by, Problem: problem(err)})
	})
}

// watchFence tries now and then whether the agents could be used.
func (h *hands) watchFence() {
	if h.stopFenceWatch != nil {
		h.stopFenceWatch()
	}
	ctx, cancel := context.WithCancel(h.fenceCtx)
	h.stopFenceWatch = cancel
	every := h.cfg.Fence.Monitor
	if every == 0 || len(h.cfg.Fence.Agents) == 0 {
		return
	}
	with := armory(&h.cfg)
	h.fencing.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			h.answer(ctx, supervisor.FenceLooked{Problem: with.Problem(ctx)})
			timer.Reset(every)
		}
	})
}

// sameFence tells that what is watched is the same.
func sameFence(a, b *supervisor.Config) bool {
	return a.Peer == b.Peer && reflect.DeepEqual(a.Fence, b.Fence)
}

// FenceStatus is how the other host can be fenced, and what became of it.
type FenceStatus struct {
	State    string    `json:"state"` // none, armed, pending, done or failed
	Since    time.Time `json:"since,omitzero"`
	Takeover string    `json:"takeover"`
	Action   string    `json:"action"`
	Agents   []string  `json:"agents"`
	Heard    bool      `json:"peer_heard"` // since this daemon began; else it is not fenced
	Operator bool      `json:"by_operator,omitempty"`
	Problem  string    `json:"problem,omitempty"` // of the last shot
	Next     time.Time `json:"next,omitzero"`     // when a shot is due that is waited for
	Tried    time.Time `json:"tried,omitzero"`    // when the agents were last tried
	Broken   string    `json:"broken,omitempty"`  // why they could not be used then
}

// fenceStatus is nil where there is no fence.
func fenceStatus(v supervisor.FenceView) *FenceStatus {
	if !v.Shot.Armed {
		return nil
	}
	s := &FenceStatus{
		State: v.State.String(), Since: when(v.Since), Takeover: "without", Action: v.Action(), Heard: v.Seen, Operator: v.Operator,
		Problem: v.Problem, Next: when(v.DueAt), Tried: when(v.LookedAt), Broken: v.Broken,
	}
	if v.After {
		s.Takeover = "after_fence"
	}
	if v.State == fencing.Failed {
		s.Next = when(v.AgainAt)
	}
	for i := range v.Agents {
		s.Agents = append(s.Agents, v.Agents[i].Path())
	}
	return s
}

// ConfirmAnswer says why an operator's word is not taken; empty: it is.
type ConfirmAnswer struct {
	Problem string `json:"problem,omitempty"`
}

// serveConfirm takes an operator's word that the other host is off.
func (d *Daemon) serveConfirm(w http.ResponseWriter, r *http.Request) {
	var a ConfirmAnswer
	peer := r.URL.Query().Get("node")
	ok := d.mail.ask(func() {
		if n := d.loop.cfg.Peer; peer != n {
			a.Problem = "the other node is " + n + ", not " + peer
			return
		}
		if a.Problem = d.loop.node.MayConfirm(now()); a.Problem == "" {
			d.loop.step(supervisor.FenceConfirmed{})
		}
	})
	outcome(w, ok, a.Problem, a)
}
