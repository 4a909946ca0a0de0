package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestTheExplanationIsPrintedForPeople(t *testing.T) {
	e := daemon.Explanation{
		Schema: 1, Node: "lb01", Peer: "lb02",
		Health: daemon.HealthStatus{Verdict: "degraded", Since: before(time.Minute), Parts: []daemon.PartStatus{
			{Kind: "proxy", Name: "nginx.service", Verdict: "healthy"},
			{Kind: "probe", Name: "backends", Verdict: "degraded", Penalty: 60, Why: "no answer within 1s", Since: before(time.Minute)},
		}},
		Routers: []daemon.RouterExplain{
			{
				Router: "web", State: "BACKUP", Reason: "outranked",
				Text:    "I am BACKUP because lb02 (10.0.0.6, priority 100) is heard and has the higher priority (mine is 90).",
				Facts:   []string{"my priority is 90; by the file it is 150"},
				Changes: []string{"lb02 is silent for 625ms: I take over"},
				Peer:    []string{"lb02 holds the addresses"},
				Remedy:  []string{"mend the backends"},
			},
			{Router: "mail", State: "ACTIVE", Reason: "alone", Text: "I am ACTIVE because nobody was heard since this node started."},
		},
	}
	var out bytes.Buffer
	printExplanation(&out, e, noon)
	golden(t, "explain.txt", out.Bytes())
}
