//go:build linux

package main

import (
	"fmt"
	"os"
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
	for _, l := range c.lanes {
		pair := laneHosts(l.number)
		l.a, l.b = hosts.Host(pair[0]), hosts.Host(pair[1])
		l.install()
	}
	return nil
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
	var tracks []*track
	for i := range sections {
		if s := &sections[i]; s.deed == d {
			for j, who := range s.contestants {
				tracks = append(tracks, &track{lane: c.lane(s.site, who), section: s, column: j, runs: max(1, s.runs(c.opts.n)/max(1, who.share))})
			}
		}
	}
	begin := time.Now()
	var together sync.WaitGroup
	for _, t := range tracks {
		if t.kind == ours {
			t.run()
		}
	}
	for _, t := range tracks {
		if t.kind != ours {
			together.Go(t.run)
		}
	}
	together.Wait()
	for _, t := range tracks {
		t.file(time.Since(begin))
	}
}

// track is what one contestant does of a scenario.
type track struct {
	*lane
	section *section
	column  int // of the contestant
	runs    int
	values  [][]float64
	stall   time.Duration
	lost    []string
}

func (t *track) run() {
	if err := t.try(); err != nil {
		t.lost = append(t.lost, fmt.Sprintf("%s, %s, from run %d on: %v", t.section.name, t.name, len(t.values)+1, err))
		fmt.Fprintln(os.Stderr, t.lost[0])
	}
}

func (t *track) try() (err error) {
	defer rescue(&err)
	t.begin()
	defer t.client.Stop()
	for i := range t.runs {
		values, stall := t.suffer(t.section.deed)
		t.values, t.stall = append(t.values, values), max(t.stall, stall)
		fmt.Fprintf(os.Stderr, "%-20s %2d/%d  %-34s %s\n", t.section.name, i+1, t.runs, t.name, t.section.tell(values))
	}
	t.end()
	return nil
}

// file puts what was measured into the scenario's section.
func (t *track) file(took time.Duration) {
	s := t.section
	s.values[t.column] = t.values
	s.stall, s.took = max(s.stall, t.stall), took
	s.lost = append(s.lost, t.lost...)
}
