//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/mishap"
)

// scenario is a fault, or none, that each contestant goes through in turn.
type scenario struct {
	name        string
	title       string
	share       int // of the -n runs it has one in so many: it is slow
	measures    []quantity
	contestants []contestant // pairkeeper first
	run         func(p *pair, c contestant) []float64
	apart       bool // only runs when it is asked for by -only

	// Instead of run, where a unit is guarded on hosts with systemd.
	deed *deed
	site site

	mishap *mishap.Mishap // instead of run, where it befalls hosts with systemd
}

// quantity is what is measured.
type quantity struct {
	name string
	unit unit
}

// contestant is a tool with its settings.
type contestant struct {
	name string // in the table, in front of what only it is told
	kind string
	settings
	share int // of the scenario's runs, as there; 0: all
}

const (
	ours   = "pairkeeper"
	theirs = "keepalived"
)

func (c contestant) tool(o options) tool {
	if c.kind == ours {
		return pairkeeper{o.binary}
	}
	return keepalived{}
}

// both are the two tools with the same settings.
func both(s settings) []contestant {
	return []contestant{{name: ours, kind: ours, settings: s}, {name: theirs, kind: theirs, settings: s}}
}

// scenarios are all there are, in the order of the table.
func scenarios() []scenario {
	var all []scenario
	all = append(all, proxyScenarios()...)
	all = append(all, networkScenarios()...)
	all = append(all, daemonScenarios()...)
	all = append(all, routersScenarios()...)
	all = append(all, stressScenarios()...)
	all = append(all, idleScenarios()...)
	all = append(all, guardScenarios()...)
	all = append(all, matrixScenarios()...)
	all = append(all, probesScenarios()...)
	return append(all, serversScenario())
}

func names() []string {
	var list []string
	for _, s := range scenarios() {
		list = append(list, s.name)
	}
	return list
}

// chosen are the scenarios whose names begin so; without a name, those not apart.
func chosen(only string) []scenario {
	var list []scenario
	for _, s := range scenarios() {
		if strings.HasPrefix(s.name, only) && (only != "" || !s.apart) {
			list = append(list, s)
		}
	}
	return list
}

// runs is how often each contestant goes through it.
func (s scenario) runs(n int) int { return max(1, n/s.share) }

// measure runs the contestants in turn, A B A B.
func measure(s scenario, o options) section {
	showLogs = o.logs
	out := section{scenario: s, values: make([][][]float64, len(s.contestants))}
	begin := time.Now()
	for i := range s.runs(o.n) {
		for j, c := range s.contestants {
			values, stall, err := once(s, c, o)
			if err != nil {
				out.lost = append(out.lost, fmt.Sprintf("%s, %s, run %d: %v", s.name, c.name, i+1, err))
				fmt.Fprintf(os.Stderr, "%-12s %2d/%d  %-28s %v\n", s.name, i+1, s.runs(o.n), c.name, err)
				continue
			}
			out.values[j] = append(out.values[j], values)
			out.stall = max(out.stall, stall)
			fmt.Fprintf(os.Stderr, "%-12s %2d/%d  %-28s %s\n", s.name, i+1, s.runs(o.n), c.name, s.tell(values))
		}
	}
	out.took = time.Since(begin)
	fmt.Fprintf(os.Stderr, "%-12s took %s\n", s.name, out.took.Round(time.Second))
	return out
}

func (s scenario) tell(values []float64) string {
	var list []string
	for i, v := range values {
		list = append(list, s.measures[i].name+" "+s.measures[i].unit.format(v))
	}
	return strings.Join(list, ", ")
}

func seconds(d time.Duration) float64 { return d.Seconds() }
