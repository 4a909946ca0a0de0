package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// A timeline shows so much of what happened before a moment.
const (
	timelineSpan = time.Minute
	timelineMost = 15
)

// timeline is what happened lately, without what only repeats itself.
type timeline struct {
	list  []happening
	last  map[string]string    // what was said last of each subject
	heard map[string]time.Time // when an advert of a sender last came
	whole bool                 // it goes back to the daemon's start: what is heard first is news
}

type happening struct {
	at   time.Time
	text string
}

func newTimeline() *timeline {
	return &timeline{last: map[string]string{}, heard: map[string]time.Time{}}
}

// add takes a step in: the event, unless it is as the last one of its kind, and the answer.
func (t *timeline) add(step *trace.Step) {
	if _, begins := step.Event.(supervisor.Start); begins {
		clear(t.last)
		t.whole = true
	}
	if subject, text := eventWords(step.Event); text != "" {
		before, known := t.last[subject]
		t.again(step, subject)
		if before != text && (known || t.whole || !repeats(step.Event)) {
			t.list = append(t.list, happening{step.Wall, text})
		}
		t.last[subject] = text
	}
	for _, l := range step.Answer.Lines {
		if n := len(t.list); n == 0 || t.list[n-1].text != l.String() {
			t.list = append(t.list, happening{step.Wall, l.String()})
		}
	}
	for len(t.list) > 0 && step.Wall.Sub(t.list[0].at) > timelineSpan {
		t.list = t.list[1:]
	}
}

// again notes that somebody is heard who was silent.
func (t *timeline) again(step *trace.Step, subject string) {
	r, _ := step.Event.(supervisor.RouterEvent)
	in, ok := r.Event.(vrrp.Received)
	if !ok {
		return
	}
	gap := step.Wall.Sub(t.heard[subject])
	if !t.heard[subject].IsZero() && gap > 3*in.Advert.Interval {
		t.list = append(t.list, happening{step.Wall, fmt.Sprintf("%s: %s is heard again, after %s", r.Router, in.From, span(gap))})
	}
	t.heard[subject] = step.Wall
}

// repeats tells of an event that comes again and again.
func repeats(ev supervisor.Event) bool {
	switch ev := ev.(type) {
	case supervisor.Looked, supervisor.Checked, supervisor.HeartbeatHeard, supervisor.VoteCast:
		return true
	case supervisor.RouterEvent:
		_, advert := ev.Event.(vrrp.Received)
		return advert
	}
	return false
}

// before are the last ones before a moment.
func (t *timeline) before() []happening {
	list := t.list
	if len(list) > timelineMost {
		list = list[len(list)-timelineMost:]
	}
	return append([]happening(nil), list...)
}

// eventWords are what an event is about, and what it says, in words; empty: it is routine.
func eventWords(ev supervisor.Event) (subject, text string) {
	switch ev := ev.(type) {
	case nil, supervisor.Tick:
		return "", ""
	case supervisor.Start:
		return "start", "this daemon begins"
	case supervisor.Stop:
		return "stop", "this daemon is told to end"
	case supervisor.RouterEvent:
		return routerWords(ev)
	case supervisor.HeartbeatHeard:
		return fmt.Sprint("heartbeat ", ev.Link), heartbeatWords(&ev)
	case supervisor.HeartbeatGone:
		return fmt.Sprint("heartbeat ", ev.Link), fmt.Sprintf("heartbeat link %d: the other host says that no daemon listens there", ev.Link)
	case supervisor.Looked:
		if ev.OK {
			return "probe " + ev.Probe, "probe " + ev.Probe + " is good"
		}
		return "probe " + ev.Probe, "probe " + ev.Probe + " is bad: " + ev.Detail
	case supervisor.Checked:
		word := "is good"
		if !ev.OK {
			word = "is bad: " + ev.Detail
		}
		subject = fmt.Sprintf("check %d of server %s of %s", ev.Check, ev.Server, ev.Service)
		return subject, subject + " " + word
	case supervisor.VoteCast:
		return fmt.Sprint("vote ", ev.Router, ev.Cast.Voter), ev.String()
	case supervisor.LinkChanged:
		return "link " + ev.Interface, ev.String()
	}
	return fmt.Sprintf("%T", ev), ev.String()
}

func routerWords(ev supervisor.RouterEvent) (subject, text string) {
	subject = fmt.Sprintf("%s %T", ev.Router, ev.Event)
	switch what := ev.Event.(type) {
	case vrrp.Received:
		subject += what.From.String()
		if what.Advert.Priority == vrrp.PriorityRelease {
			return subject, fmt.Sprintf("%s: %s gives the addresses up", ev.Router, what.From)
		}
		return subject, fmt.Sprintf("%s: %s advertises, priority %d", ev.Router, what.From, what.Advert.Priority)
	case vrrp.Owned:
		return "", ev.Router + ": the kernel has the addresses"
	case vrrp.Answered:
		return subject, ev.Router + ": " + what.Holder + " answers for an address"
	case vrrp.Claimed:
		return subject, ev.Router + ": " + what.By + " announces an address that is held here"
	case vrrp.Vanished:
		return "", ev.Router + ": somebody took an address away"
	case vrrp.Shut:
		return "", ev.Router + ": the gate ran out before it was renewed"
	}
	return subject, ev.String()
}

// heartbeatWords are the other node's own account of itself.
func heartbeatWords(ev *supervisor.HeartbeatHeard) string {
	h := ev.Heartbeat
	words := []string{fmt.Sprintf("heartbeat of %s on link %d", h.Node, ev.Link)}
	if h.Class <= fencing.Resigned {
		words[0] += ": " + h.Class.String()
	}
	var roles [fencing.Holds + 1]int
	for _, c := range h.Claims {
		if c.Role <= fencing.Holds {
			roles[c.Role]++
		}
	}
	for role, what := range map[fencing.Role]string{fencing.Holds: "holds", fencing.Standby: "stands by for", fencing.Out: "is out of"} {
		if n := roles[role]; n > 0 {
			words = append(words, what+" "+count(n, "router"))
		}
	}
	slices.Sort(words[1:])
	return strings.Join(words, ", ")
}

// cause is the event that made a node move, in words.
func cause(ev supervisor.Event) string {
	if _, text := eventWords(ev); text != "" {
		return text
	}
	if ev == nil {
		return "an event that this version does not know"
	}
	return "a timer ran out"
}
