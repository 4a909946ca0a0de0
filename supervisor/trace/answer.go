package trace

import (
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Line is one action that an operator may want to know of. Two are the same where their
// words differ only in Detail.
type Line struct {
	What   What
	Router string // empty: it is about the node
	Text   string
	Detail string
}

// What is what a line is about.
type What uint8

// What lines are about.
const (
	Deed  What = iota // something is to be done
	Enter             // a transition
	Note              // what the node noted
)

// String is the line as people read it.
func (l Line) String() string {
	s := l.Text
	if l.Router != "" {
		s = l.Router + ": " + s
	}
	if l.Detail != "" {
		s += ": " + l.Detail
	}
	return s
}

// Same tells that two lines are but for their details.
func (l Line) Same(o Line) bool {
	l.Detail, o.Detail = "", ""
	return l == o
}

// Answer is what a Node answered to an event: the sum of all its actions, and lines of what
// is not routine.
type Answer struct {
	Sum   uint32
	Lines []Line
}

// Equal tells that two answers come to the same.
func (a *Answer) Equal(b *Answer) bool {
	if a.Sum != b.Sum || len(a.Lines) != len(b.Lines) {
		return false
	}
	for i := range a.Lines {
		if !a.Lines[i].Same(b.Lines[i]) {
			return false
		}
	}
	return true
}

// AnswerOf is the answer that some actions are. An answer without actions has no sum.
func AnswerOf(actions []supervisor.Action) Answer {
	a := Answer{}
	if len(actions) > 0 {
		a.Sum = fnvBegin
	}
	for _, act := range actions {
		a.add(act)
	}
	return a
}

// The sum is FNV-1a of 32 bits.
const (
	fnvBegin = 2166136261
	fnvPrime = 16777619
)

func (a *Answer) mix(b byte) { a.Sum = (a.Sum ^ uint32(b)) * fnvPrime }

func (a *Answer) mixText(s string) {
	for i := range len(s) {
		a.mix(s[i])
	}
	a.mix(0)
}

// The routine actions, in the sum.
const (
	sumSend = 1 + iota
	sumRefresh
	sumRenew
	sumRemind
	sumBeat
	sumLook
	sumOther
)

func (a *Answer) add(act supervisor.Action) {
	switch act := act.(type) {
	case supervisor.RouterAction:
		a.routerAction(act)
	case supervisor.Beat:
		a.mix(sumBeat)
		a.mix(byte(act.Link))
		a.mix(byte(act.Heartbeat.Class))
	case supervisor.LookNow:
		a.mix(sumLook)
		a.mix(bit(act.Gateway, 1) | bit(act.Peer, 2))
	case supervisor.AskVote:
		a.mix(sumOther)
		a.mixText(act.String())
	case supervisor.Note:
		a.line(Line{What: Note, Router: act.Router, Text: string(act.Reason), Detail: act.Detail})
	case supervisor.Moved: // told of a transition that has its own line
		a.mix(sumOther)
	default:
		a.line(Line{Text: act.String()})
	}
}

func (a *Answer) routerAction(act supervisor.RouterAction) {
	sum := byte(0)
	switch what := act.Action.(type) {
	case vrrp.Send:
		if what.Priority != vrrp.PriorityRelease {
			a.mix(what.Priority)
			sum = sumSend
		}
	case vrrp.Refresh:
		sum = sumRefresh
	case vrrp.Renew:
		sum = sumRenew
	case vrrp.Announce:
		if what.Reminder {
			sum = sumRemind
		}
	case vrrp.Enter:
		a.line(Line{What: Enter, Router: act.Router, Text: what.String()})
		return
	case vrrp.Note:
		a.line(Line{What: Note, Router: act.Router, Text: string(what.Reason), Detail: what.Detail})
		return
	}
	if sum == 0 {
		a.line(Line{Router: act.Router, Text: act.Action.String()})
		return
	}
	a.mix(sum)
	a.mixText(act.Router)
}

// line counts into the sum only that there is one, for its words are compared themselves.
func (a *Answer) line(l Line) {
	a.mix(sumOther)
	a.Lines = append(a.Lines, l)
}

func appendLines(b []byte, lines []Line) []byte {
	b = appendUint(b, uint64(len(lines)))
	for _, l := range lines {
		b = append(b, byte(l.What))
		b = appendText(appendText(appendText(b, l.Router), l.Text), l.Detail)
	}
	return b
}

func (r *reader) lines() (lines []Line) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		lines = append(lines, Line{What(r.byte()), r.text(), r.text(), r.text()})
	}
	return lines
}
