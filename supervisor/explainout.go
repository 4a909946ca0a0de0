package supervisor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// notIn explains INIT and FAULT.
func (x *explainer) notIn() {
	reason, detail := x.r.fault, x.r.detail
	if reason == "" { // not started
		reason = ReasonStarting
	}
	if reason == ReasonStarting && detail == "" {
		detail = "the state of " + x.guard.cfg.Name() + " is not known yet"
	}
	x.Reason = reason
	m := meanings[reason]
	x.say("%s", joined(": ", m.is, detail))
	if m.ends != "" {
		x.change("%s", m.ends)
	}
	x.timesOf(reason)
	x.untilWhen(reason)
	if isFault(reason) {
		x.change("then I listen for %s before I take anything", span(x.cfg.DownInterval(x.cfg.Interval)))
		x.whoHolds()
	}
	x.remedy(reason)
}

// joined is what there is of some texts.
func joined(by string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), by)
}

// whoHolds says of a router that is out what the other node makes of it.
func (x *explainer) whoHolds() {
	switch {
	case x.recent():
		x.peer("%s holds the addresses", x.whom())
	case !x.byHeartbeat():
		x.peer("%s is not heard: perhaps nobody holds the addresses", x.cfgPeer())
	}
}

// timesOf adds what is configured, or runs, of what ends a reason.
func (x *explainer) timesOf(reason vrrp.Reason) {
	g := &x.guard
	switch reason {
	case ReasonVIPFailed:
		x.change("it is tried again in %s", x.left(x.r.retryAt))
	case ReasonHeldOff:
		if h := x.r.heldOff; h.until.IsZero() {
			x.change("somebody runs `pairkeeper clear` here (hold_off: until_cleared)")
		} else {
			x.change("its time is over in %s (hold_off: %s), or somebody runs `pairkeeper clear` here", x.left(h.until), span(h.until.Sub(h.since)))
		}
	case ReasonHookVetoed:
		x.change("it is asked again in %s (retry: %s)", x.left(x.r.vetoUntil), span(x.r.cfg.Hooks.BeforeActive.Retry))
	case ReasonProxyDown:
		x.ladder()
	case ReasonProxyReturns:
		x.change("%d of %d good looks are done", g.goods, g.cfg.Rise)
	case ReasonProbe:
		for i := range x.probes {
			if p := &x.probes[i]; p.cfg.OnFail.Act == probes.Fatal && p.counter.State() == probes.Failed && !p.cfg.OnFail.Reverse {
				x.change("probe %s is good %d times in a row, every %s", p.cfg.Name, max(p.cfg.Rise, 1), span(p.cfg.Interval))
			}
		}
	}
}

// ladder says when the proxy is tried again.
func (x *explainer) ladder() {
	g := &x.guard
	switch {
	case g.phase != GivenUp && !g.climbs:
		x.change("somebody else is at it: %s", g.phase)
	case g.phase != GivenUp:
		x.change("it is being mended: %s", g.rungWord())
	case g.halts:
		x.change("it is being stopped (give_up: stop); the next try starts it again")
	case g.until.IsZero():
		x.change("it is not restarted again (retry: 0)")
	default:
		x.change("it is looked at anew in %s (%s), and restarted if that may help", x.left(g.until), g.pauseWord())
	}
}

// rungWord is where the ladder is.
func (g *guard) rungWord() string {
	if g.attempt == 0 {
		return g.phase.String()
	}
	return fmt.Sprintf("%s, restart %d of %d", g.phase, g.attempt, g.cfg.Attempts)
}

// pauseWord is what makes the wait after giving up what it is.
func (g *guard) pauseWord() string {
	if g.pause == g.cfg.Retry {
		return "retry: " + span(g.pause)
	}
	return "each time twice as long, now " + span(g.pause) + "; retry_max: " + span(g.cfg.RetryMax)
}

// mending tells of a ladder that is under way while the node still takes part.
func (x *explainer) mending() {
	if g := &x.guard; g.cfg.Guarded() && !g.barred && g.phase != Good {
		x.fact("%s is not good (%s), and is being mended: %s", g.cfg.Name(), g.why, g.rungWord())
	}
}

// onDisk tells of a configuration of the proxy that is not what it runs with.
func (x *explainer) onDisk() {
	c := x.conf.view()
	what, _, _ := strings.Cut(c.Problem, "\n")
	switch c.State {
	case ConfBad:
		x.fact("%s: on the disk it is bad: %s", x.conf.what(), what)
		x.change("%s ends or is restarted: it does not start again, and this node leaves", x.guard.cfg.Name())
		x.remedy(ReasonConfBad)
	case ConfPending, ConfReloadFailed:
		x.fact("%s: changed, and not in force until %s is reloaded", x.conf.what(), x.guard.cfg.Name())
	case ConfUnwatched:
		x.fact("the configuration of %s is not watched: %s", x.guard.cfg.Name(), what)
	}
}
