//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
)

// contest is all lanes of the chosen scenarios, on one network.
type contest struct {
	*lab
	opts  options
	lanes []*lane
}

// measureGuards measures the scenarios of guarded units.
func measureGuards(list []scenario, o options) []section {
	var sections []section
	for _, s := range list {
		sections = append(sections, section{scenario: s, values: make([][][]float64, len(s.contestants))})
	}
	showLogs = o.logs
	c := &contest{lab: &lab{}, opts: o}
	defer c.close()
	if err := c.prepare(list); err != nil {
		sections[0].lost = append(sections[0].lost, err.Error())
		return sections
	}
	for i := range deeds {
		c.measure(&deeds[i], sections)
	}
	return sections
}

// prepare boots two hosts for each contestant beside each proxy.
func (c *contest) prepare(list []scenario) (err error) {
	defer rescue(&err)
	var names []string
	for _, s := range list {
		for _, who := range s.contestants {
			if c.lane(s.site, who) == nil {
				n := len(c.lanes) + 1
				c.lanes = append(c.lanes, &lane{lab: c.lab, contestant: who, site: s.site, tool: who.guardian(c.opts), number: n})
				names = append(names, laneHosts(n)...)
			}
		}
	}
	hosts := hostlab.New(c, names...)
	problems := make(chan error, len(c.lanes))
	for _, l := range c.lanes {
		go func() {
			var problem error
			defer func() { problems <- problem }()
			defer rescue(&problem)
			l.install(hosts)
		}()
	}
	for range c.lanes {
		err = errors.Join(err, <-problems)
	}
	return err
}

func (c *contest) lane(s site, who contestant) *lane {
	for _, l := range c.lanes {
		if l.site == s && l.name == who.name {
			return l
		}
	}
	return nil
}

// measure lets all suffer one deed: each of pairkeeper's lanes with nothing beside it,
// then those of keepalived, which mostly wait, at the same time.
func (c *contest) measure(d *deed, sections []section) {
	var together []*track
	for i := range sections {
		s := &sections[i]
		if s.deed != d {
			continue
		}
		for j, who := range s.contestants {
			t := &track{lane: c.lane(s.site, who), section: s, column: j, runs: max(1, s.runs(c.opts.n)/max(1, who.share))}
			if who.kind == ours {
				rounds([]*track{t})
			} else {
				together = append(together, t)
			}
		}
	}
	rounds(together)
}

// rounds lets lanes suffer at the same time. None is mended while another one is being
// measured: mending takes the processor.
func rounds(tracks []*track) {
	begin := time.Now()
	each(tracks, func(t *track) { t.begin() })
	left := tracks
	for len(left) > 0 {
		each(left, (*track).suffer)
		each(left, (*track).mend)
		left = slices.DeleteFunc(slices.Clone(left), func(t *track) bool { return len(t.values) == t.runs || t.lost != nil })
	}
	each(tracks, func(t *track) { t.end() })
	for _, t := range tracks {
		t.client.Stop()
		t.file(time.Since(begin))
	}
}

// each lets all that can go on do something, at the same time.
func each(tracks []*track, do func(*track)) {
	var all sync.WaitGroup
	for _, t := range tracks {
		if t.lost == nil {
			all.Go(func() {
				defer rescue(&t.lost)
				do(t)
			})
		}
	}
	all.Wait()
}

// track is what one contestant does of a scenario.
type track struct {
	*lane
	section *section
	column  int // of the contestant
	runs    int

	fault    time.Time // of the run under way
	answered float64
	values   [][]float64
	stall    time.Duration
	lost     error // why it cannot go on
}

func (t *track) suffer() {
	var stall time.Duration
	t.fault, t.answered, stall = t.lane.suffer(t.section.deed)
	t.stall = max(t.stall, stall)
}

func (t *track) mend() {
	values := []float64{t.noticed(t.fault), t.answered}
	t.values = append(t.values, values)
	fmt.Fprintf(os.Stderr, "%-20s %2d/%d  %-34s %s\n", t.section.name, len(t.values), t.runs, t.name, t.section.tell(values))
	if showLogs || t.answered == never && !t.section.deed.blind {
		journal := t.a.Journal(t, since(t.fault), "--output=short-precise")
		fmt.Fprintf(os.Stderr, "answered by %v, %v\n%s\n", t.client.Hosts(), t.client.Outage(), tail(journal, "    "+t.a.Name()+": "))
	}
	t.heal(t.answered != never && !t.section.deed.spoil)
}

// file puts what was measured into the scenario's section.
func (t *track) file(took time.Duration) {
	s := t.section
	s.values[t.column] = t.values
	s.stall = max(s.stall, t.stall)
	s.took += took
	if t.lost != nil {
		text := fmt.Sprintf("%s, %s, run %d and those after it: %v", s.name, t.name, len(t.values)+1, t.lost)
		s.lost = append(s.lost, text)
		fmt.Fprintln(os.Stderr, text)
	}
}
