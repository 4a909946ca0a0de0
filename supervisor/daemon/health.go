package daemon

import (
	"fmt"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// HealthStatus is the node's verdict and what makes it so.
type HealthStatus struct {
	Verdict string       `json:"verdict"` // unknown, healthy, degraded, failed
	Why     string       `json:"why,omitempty"`
	Since   time.Time    `json:"since,omitzero"` // when that began
	Parts   []PartStatus `json:"parts"`
}

// PartStatus is what one thing contributes to the verdict.
type PartStatus struct {
	Kind    string    `json:"kind"` // proxy, probe, track, router
	Name    string    `json:"name"`
	Verdict string    `json:"verdict"`
	Penalty int       `json:"penalty,omitempty"` // taken from the priority
	Router  string    `json:"router,omitempty"`  // the only one that it concerns
	Why     string    `json:"why,omitempty"`
	Since   time.Time `json:"since,omitzero"` // when that began
}

// ProbeEffect is what a probe is for, and what it does now.
type ProbeEffect struct {
	OnFail string `json:"on_fail"` // restart, leave, penalty 30, weight 20
	Effect string `json:"effect"`  // none, restart, leave, priority -30
}

func healthStatus(h supervisor.Health) HealthStatus {
	s := HealthStatus{Verdict: h.Verdict.String(), Why: h.Why, Since: when(h.Since), Parts: []PartStatus{}}
	for _, p := range h.Parts {
		s.Parts = append(s.Parts, PartStatus{
			Kind: p.Kind.String(), Name: p.Name, Verdict: p.Verdict.String(), Penalty: p.Penalty, Router: p.Router, Why: p.Why, Since: when(p.Since),
		})
	}
	return s
}

func probeEffect(p supervisor.ProbeView) ProbeEffect {
	e := ProbeEffect{OnFail: p.OnFail.String(), Effect: "none"}
	switch {
	case p.Out:
		e.Effect = "leave"
	case p.Offset != 0:
		e.Effect = fmt.Sprintf("priority %+d", p.Offset)
	case p.OnFail.Act == probes.Guard && p.State == probes.Failed:
		e.Effect = "restart"
	}
	return e
}
