package board

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// heartbeatProblems are what is wrong with the links, and what the nodes do not have in
// common.
func heartbeatProblems(h *daemon.HeartbeatStatus, peer string) (list []string) {
	if h == nil {
		return nil
	}
	for _, l := range h.Links {
		what := fmt.Sprintf("heartbeat %s - %s", l.Local, l.Peer)
		switch {
		case l.Problem != "":
			list = append(list, what+": "+l.Problem)
		case l.State == "silent":
			list = append(list, what+": nothing comes from "+peer+": is it running, and is UDP let through?")
		case l.State == "one-way":
			list = append(list, what+": "+peer+" does not hear this node: look for a firewall there")
		}
		for _, r := range l.Refused {
			list = append(list, fmt.Sprintf("%s: %d messages refused (%s): %s", what, r.Count, r.Reason, r.Remedy))
		}
	}
	for _, d := range h.Different {
		list = append(list, peer+" differs in "+d)
	}
	return list
}

// voterProblems are the third parties that do not answer.
func voterProblems(list []daemon.VoterStatus) (problems []string) {
	for _, v := range list {
		if v.Problem != "" {
			problems = append(problems, v.Name+": "+v.Problem)
		}
	}
	return problems
}

// gateProblems says why there is no gate, once, and which router is shut out though it holds.
func gateProblems(routers []daemon.RouterStatus) (list []string) {
	for _, r := range routers {
		if _, why, found := strings.Cut(r.Gate, "unsupported: "); found {
			return []string{"no gate, the addresses are guarded by their lifetime alone: " + why}
		}
		if r.Gate == "shut" && r.State == "ACTIVE" && r.Held {
			list = append(list, r.Name+": its gate is shut, nobody reaches the addresses")
		}
	}
	return list
}

// ipvsProblems are services that lack something.
func ipvsProblems(list []daemon.VirtualServerStatus) (problems []string) {
	for _, v := range list {
		switch {
		case !v.Quorum:
			problems = append(problems, fmt.Sprintf("%s: has no quorum: weight %d of %d: see pairkeeper status --ipvs", v.Name, v.Weight, v.Needed))
		case v.Up < v.Total:
			problems = append(problems, fmt.Sprintf("%s: %d of %d servers are down: see pairkeeper status --ipvs", v.Name, v.Total-v.Up, v.Total))
		}
	}
	return problems
}

// fenceProblems are what an operator should know of the fence.
func fenceProblems(f *daemon.FenceStatus, peer string, now time.Time) (list []string) {
	if f == nil {
		return nil
	}
	next := ""
	if !f.Next.IsZero() {
		next = "; tried again in " + Ago(f.Next.Sub(now))
	}
	switch {
	case f.State == "failed" || f.State == "armed" && f.Problem != "" && next != "":
		list = append(list, fmt.Sprintf("%s could not be fenced%s: %s; if you have switched it off: pairkeeper fence --acknowledge %s", peer, next, f.Problem, peer))
	case f.State == "pending":
		list = append(list, fmt.Sprintf("%s is being fenced (%s, for %s)", peer, f.Action, Age(now, f.Since)))
	case f.State == "done" && f.Operator:
		list = append(list, peer+" is off, as an operator said")
	case f.State == "done":
		list = append(list, fmt.Sprintf("%s was fenced %s ago, and has not been heard since", peer, Age(now, f.Since)))
	}
	if f.Broken != "" {
		list = append(list, fmt.Sprintf("%s could not be fenced now: %s; try it with pairkeeper fence --test", peer, f.Broken))
	}
	return list
}

// modeProblems are what an operator wants of either node.
func modeProblems(list []daemon.ModeStatus, now time.Time) (lines []string) {
	for _, m := range list {
		text := m.Node + " is in maintenance"
		if m.Mode == "freeze" {
			text = m.Node + " is frozen"
		}
		if !m.Since.IsZero() {
			text += " for " + Age(now, m.Since)
		}
		if m.Reason != "" {
			text += " (" + m.Reason + ")"
		}
		if m.Until.IsZero() {
			text += ", until `pairkeeper " + m.Mode + " off` there"
		} else {
			text += ", for another " + Ago(m.Until.Sub(now))
		}
		lines = append(lines, text)
	}
	return lines
}

// dampingProblem says of a router that waits long because its node has failed several times.
func dampingProblem(r daemon.RouterStatus, now time.Time) []string {
	if r.Flaps < 2 || !r.Preempts.After(now) {
		return nil
	}
	return []string{fmt.Sprintf("%s: waits until %s before it takes over, as this node has failed %d times of late", r.Name, r.Preempts.Format("15:04:05"), r.Flaps)}
}
