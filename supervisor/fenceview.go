package supervisor

import (
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
)

// FenceView is what there is to say of the fence. The zero value: there is none.
type FenceView struct {
	Fence
	fencing.ShotView
	LookedAt time.Time // when the agents were last tried; zero: not yet
	Broken   string    // why they could not be used then
}

func (n *Node) fenceView() FenceView {
	if !n.cfg.Fence.Shot.Armed {
		return FenceView{}
	}
	return FenceView{Fence: n.cfg.Fence, ShotView: n.fence.shot.View(), LookedAt: n.fence.lookedAt, Broken: n.fence.broken}
}

// fenced tells what became of fencing the other node.
func (x *explainer) fenced() {
	v := x.fenceView()
	switch {
	case !v.Shot.Armed:
		return
	case v.State == fencing.Fenced && v.Operator:
		x.fact("an operator made sure that %s is off, %s ago", x.cfgPeer(), x.ago(v.Since))
	case v.State == fencing.Fenced:
		x.fact("%s was fenced %s ago", x.cfgPeer(), x.ago(v.Since))
	case v.State == fencing.Pending:
		x.fact("%s is being fenced, for %s", x.cfgPeer(), x.ago(v.Since))
	case v.State == fencing.Failed:
		x.fact("fencing %s failed %s ago: %s", x.cfgPeer(), x.ago(v.Since), v.Problem)
		x.fact("it is tried again in %s", x.left(v.AgainAt))
	case !v.DueAt.IsZero() && v.Problem != "":
		x.fact("fencing %s failed: %s; it is tried again in %s", x.cfgPeer(), v.Problem, x.left(v.DueAt))
	case !v.DueAt.IsZero():
		x.fact("%s is fenced in %s, unless it is heard or fences this node before", x.cfgPeer(), x.left(v.DueAt))
	}
	if v.Broken != "" {
		x.fact("the fence does not work: %s", v.Broken)
	}
}
