package trace

import (
	"fmt"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Player has this version's Node go through a segment.
type Player struct {
	Node *supervisor.Node
	seg  *Segment
	err  error
}

// Played is a step with what this Node answered.
type Played struct {
	Step
	Now Answer
}

// Same tells that the answer is the recorded one.
func (p *Played) Same() bool { return p.Answer.Equal(&p.Now) }

// Play begins with a segment.
func Play(s *Segment) *Player {
	p := &Player{seg: s, Node: s.Begin.State}
	if p.Node == nil {
		p.guarded(func() { p.Node = supervisor.NewNode(*s.Begin.Config) })
	}
	return p
}

// Next goes through one step, of which before is told first, if it is there; false: there
// is none, see Err.
func (p *Player) Next(before func(*Step)) (played Played, ok bool) {
	if p.err != nil {
		return played, false
	}
	played.Step, ok = p.seg.Next()
	if !ok {
		return played, false
	}
	if before != nil {
		before(&played.Step)
	}
	if played.Event == nil {
		return played, true
	}
	p.guarded(func() { played.Now = AnswerOf(p.Node.Step(played.At, played.Event)) })
	return played, p.err == nil
}

// guarded does something with a Node that another version made, or a damaged file: what it
// cannot have of itself may be in it.
func (p *Player) guarded(do func()) {
	defer func() {
		if r := recover(); r != nil {
			p.err = fmt.Errorf("the node as it was recorded is none of this version: %v", r)
		}
	}()
	do()
}

// Explain is Node.Explain.
func (p *Player) Explain(at Step, router string) (x supervisor.Explanation, ok bool) {
	p.guarded(func() { x, ok = p.Node.Explain(at.At, router) })
	return x, ok
}

// Err is why Next ended: nil at the end of the file.
func (p *Player) Err() error {
	if p.err != nil {
		return p.err
	}
	return p.seg.Err()
}
