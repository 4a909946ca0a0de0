package board

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// recent is how long a remark is shown.
const recent = time.Minute

// Problems are what an operator should look at.
func Problems(s *daemon.Status, now time.Time) []string {
	var list []string
	if s.Config.Problem != "" {
		list = append(list, "the configuration was not reloaded, the last good one is in force:\n  "+strings.ReplaceAll(s.Config.Problem, "\n", "\n  "))
	}
	if s.Config.Pending {
		list = append(list, "the configuration file changed and is not in force: pairkeeper reload applies it")
	}
	if s.Proxy != nil && s.Proxy.Problem != "" {
		list = append(list, s.Proxy.Name+": "+s.Proxy.Problem+nextTry(s.Proxy.Next, now))
	}
	if s.Proxy != nil && s.Proxy.Config != nil {
		if text := confWords(s.Proxy.Config); text != "" {
			list = append(list, fmt.Sprintf("%s: %s (for %s)", s.Proxy.Name, text, Age(now, s.Proxy.Config.Since)))
		}
	}
	list = append(list, modeProblems(s.Modes, now)...)
	list = append(list, heartbeatProblems(s.Heartbeat, s.Peer)...)
	list = append(list, fenceProblems(s.Fence, s.Peer, now)...)
	list = append(list, voterProblems(s.Voters)...)
	list = append(list, gateProblems(s.Routers)...)
	list = append(list, ipvsProblems(s.VirtualServers)...)
	for _, r := range s.Routers {
		if r.LastResort {
			list = append(list, r.Name+": "+lastResort(r.State))
		}
		if r.Detail != "" && (s.Proxy == nil || r.Detail != s.Proxy.Problem) {
			list = append(list, r.Name+": "+r.Detail)
		}
		if a := r.Arbiter; a != nil && a.Text != "" {
			list = append(list, fmt.Sprintf("%s: %s (%s, for %s)", r.Name, a.Text, a.Rule, Age(now, a.Since)))
		}
		list = append(list, dampingProblem(r, now)...)
		for _, m := range r.Remarks {
			if age := now.Sub(m.Last); age < recent {
				list = append(list, fmt.Sprintf("%s: %s (%s, %s, last %s ago)%s", r.Name, m.Detail, m.Reason, times(m.Count), Ago(age), todo(m.Remedy)))
			}
		}
		for _, o := range r.Offsets {
			list = append(list, fmt.Sprintf("%s: priority %s", r.Name, o))
		}
		for _, f := range r.Adverts.Refused {
			list = append(list, fmt.Sprintf("%s: %s of %s refused (%s)%s", r.Name, adverts(f.Count), f.From, f.Reason, todo(f.Remedy)))
		}
	}
	for _, n := range s.Notify {
		if n.Failing {
			list = append(list, fmt.Sprintf("notify %s: %s (%d sent, %d wait, %d given up, %d dropped)", n.Name, n.LastError, n.Sent, n.Waiting, n.Failed, n.Dropped))
		}
	}
	return list
}

// nextTry is when a proxy that was given up is tried again.
func nextTry(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " (given up, tried again in " + Ago(at.Sub(now)) + ")"
}

// lastResort says why a router that fails takes part all the same.
func lastResort(state string) string {
	if state == "ACTIVE" {
		return "holds because no healthy node is heard (when_all_unhealthy: keep)"
	}
	return "holds again if no healthy node is heard (when_all_unhealthy: keep)"
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func adverts(n uint64) string {
	if n == 1 {
		return "1 advert"
	}
	return fmt.Sprintf("%d adverts", n)
}

func todo(remedy string) string {
	if remedy == "" {
		return ""
	}
	return ": " + remedy
}

// confWords says what is to be done about the proxy's configuration; empty: nothing.
func confWords(c *daemon.ProxyConfigStatus) string {
	what := "its configuration"
	if len(c.Changed) > 0 {
		what += " (" + strings.Join(c.Changed, ", ") + ")"
	}
	switch c.State {
	case "bad":
		return what + " is bad, it would not start again: " + c.Problem
	case "pending":
		if c.Problem != "" {
			return what + " changed and is not in force, " + c.Problem
		}
		return what + " changed, is tested good and not in force until it is reloaded"
	case "changed", "tested":
		return what + " changed and is not in force"
	case "reload-failed":
		return what + " is good, but not in force: " + c.Problem
	case "unwatched":
		return what + " is not watched: " + c.Problem
	}
	return ""
}
