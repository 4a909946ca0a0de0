package fencingnet

import "time"

// pace bounds what a flood costs: it is read on a real-time thread, which would take a
// processor from everything else. Heartbeats come at most every 10 ms.
type pace struct {
	begun time.Time
	spent int
}

// In each paceWindow so many messages are read, or so many that are signed are told: they
// may be a record that is played back. What comes beyond waits in the socket, or is lost.
const (
	paceWindow = 5 * time.Millisecond
	paceBudget = 128
	toldCosts  = paceBudget / 8
)

// refusedAgain is between two times that the same refusal is told.
const refusedAgain = time.Second

// take spends some of the budget, and tells how long to pause.
func (p *pace) take(now time.Time, cost int) time.Duration {
	if now.Sub(p.begun) >= paceWindow {
		p.begun, p.spent = now, 0
	}
	p.spent += cost
	if p.spent < paceBudget {
		return 0
	}
	return p.begun.Add(paceWindow).Sub(now)
}
