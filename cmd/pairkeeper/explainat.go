package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// around is how far from a moment a transition may be to belong to it.
const around = time.Minute

// most is how many moments with transitions, and how many routers of each, are explained.
const (
	mostMoments = 10
	mostRouters = 3
)

// past is what is to be explained of what is over.
type past struct {
	at     string
	folder string
}

func (p *past) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.at, "at", "", "explain a moment of the past, from what was recorded: 03:12, 03:12:05, \"2026-11-21 03:12:05\",\nor -5m for five minutes ago")
	c.Flags().StringVar(&p.folder, "trace", "", "a trace, or a folder of them, for --at (default: the daemon's)")
}

func (p *past) asked() bool { return p.at != "" }

func (p *past) explain(out io.Writer, socket string, args []string, asJSON bool) error {
	at, err := parseMoment(p.at, time.Now())
	if err != nil {
		return err
	}
	folder := p.folder
	if folder == "" {
		folder = traceFolder(socket)
	}
	router := ""
	if len(args) > 0 {
		router = args[0]
	}
	files, err := traceFiles([]string{folder})
	switch {
	case err != nil && p.folder == "" && !asJSON:
		fmt.Fprintln(out, err)
		return journalAt(out, at, router)
	case err != nil:
		return err
	}
	a, err := accountOf(files, at, router)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(a)
	}
	a.print(out)
	if at.Before(a.Begins) {
		return journalAt(out, at, router)
	}
	return nil
}

// account is what a trace tells of a moment, as explain --at --json prints it.
type account struct {
	Schema  int                    `json:"schema"`
	Node    string                 `json:"node"`
	At      time.Time              `json:"at"`
	Begins  time.Time              `json:"trace_begins"`
	Ends    time.Time              `json:"trace_ends"`
	Stopped bool                   `json:"stopped"` // the daemon said at the end of the trace that it ends
	Then    []daemon.RouterExplain `json:"then"`    // as explain would have said at that moment
	Moves   []move                 `json:"moves"`
	More    int                    `json:"more"` // moves that are left out
	Gaps    []string               `json:"gaps"` // what is missing in the trace, and what is damaged

	router string
}

// move is a moment at which routers changed their state.
type move struct {
	Time    time.Time              `json:"time"`
	Moves   []string               `json:"moves"`
	Event   string                 `json:"event"` // what set it off
	Before  []happened             `json:"before"`
	Knew    []daemon.RouterExplain `json:"knew"`   // as explain would have said just before
	Became  []daemon.RouterExplain `json:"became"` // and just after
	Differs bool                   `json:"differs"`
}

type happened struct {
	Seconds float64 `json:"seconds_before"`
	Text    string  `json:"text"`
}

// chapter is one segment of the trace.
type chapter struct {
	file  string
	begin time.Time
	end   time.Time
	moves []int // the steps at which a router moved, by number
	times []time.Time
}

// accountOf reads what a trace has of a moment.
func accountOf(files []string, at time.Time, router string) (*account, error) {
	a := &account{Schema: 1, At: at, Then: []daemon.RouterExplain{}, Moves: []move{}, Gaps: []string{}, router: router}
	chapters, err := a.survey(files)
	if err != nil {
		return nil, err
	}
	chosen := choose(chapters, at)
	for i := range chapters {
		here := at.After(chapters[i].begin) && (i+1 == len(chapters) || at.Before(chapters[i+1].begin)) && !at.After(chapters[i].end.Add(around))
		if len(chosen[i]) > 0 || here {
			if err := a.read(chapters, i, chosen[i], here); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// survey reads what each segment has, without going through it.
func (a *account) survey(files []string) (list []chapter, err error) {
	for _, file := range files {
		s, err := openTrace(file)
		switch {
		case cut(err):
			continue
		case err != nil:
			a.Gaps = append(a.Gaps, err.Error())
			continue
		}
		if a.router != "" && !slices.ContainsFunc(s.Begin.Config.Routers, func(r supervisor.Router) bool { return r.Name == a.router }) {
			a.Gaps = append(a.Gaps, fmt.Sprintf("%s: there was no virtual router %s", file, a.router))
		}
		c := chapter{file: file, begin: s.Begin.Wall, end: s.Begin.Wall}
		n := 0
		for step, ok := s.Next(); ok; step, ok = s.Next() {
			if a.moves(&step) {
				c.moves, c.times = append(c.moves, n), append(c.times, step.Wall)
			}
			c.end = step.Wall
			n++
		}
		if err := s.Err(); err != nil && !cut(err) {
			a.Gaps = append(a.Gaps, fmt.Sprintf("%s: %v", file, err))
		}
		if n := int(s.Begin.Lost); n > 0 {
			a.Gaps = append(a.Gaps, fmt.Sprintf("before %s %s not recorded: the disk did not take them", c.begin.Local().Format(momentForm), was(n, "event")))
		}
		if len(list) == 0 {
			a.Begins = c.begin
		}
		a.Node, a.Ends, a.Stopped = s.Begin.Config.Node, c.end, s.Ended
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, failure{exitData, fmt.Errorf("nothing can be read of the trace: %q", a.Gaps)}
	}
	return list, nil
}

// moves tells whether a step has a transition that was asked for.
func (a *account) moves(step *trace.Step) bool {
	return slices.ContainsFunc(step.Answer.Lines, func(l trace.Line) bool {
		return l.What == trace.Enter && (a.router == "" || l.Router == a.router)
	})
}

// choose picks the moves of each chapter that belong to a moment: those around it, else the
// last one before.
func choose(chapters []chapter, at time.Time) [][]int {
	chosen := make([][]int, len(chapters))
	found, last, lastStep := false, -1, 0
	for i := range chapters {
		for j, t := range chapters[i].times {
			switch step := chapters[i].moves[j]; {
			case t.Sub(at).Abs() <= around:
				chosen[i] = append(chosen[i], step)
				found = true
			case t.Before(at):
				last, lastStep = i, step
			}
		}
	}
	if !found && last >= 0 {
		chosen[last] = []int{lastStep}
	}
	return chosen
}

// read goes through a chapter up to the last of its steps that were chosen, and to the
// moment itself where that is here.
func (a *account) read(chapters []chapter, i int, chosen []int, here bool) error {
	lately := newTimeline()
	if i > 0 {
		tail(lately, chapters[i-1].file)
	}
	s, err := openTrace(chapters[i].file)
	if err != nil {
		return err
	}
	p := trace.Play(s)
	var last trace.Step
	for n := 0; ; n++ {
		var m *move
		played, ok := p.Next(func(step *trace.Step) {
			if here && step.Wall.After(a.At) {
				a.Then, here = a.explained(p, last, a.At, a.routers(s)), false
			}
			if slices.Contains(chosen, n) {
				m = a.move(p, step, lately)
			}
		})
		if !ok {
			break
		}
		last = played.Step
		lately.add(&last)
		if m != nil {
			m.Became, m.Differs = a.explained(p, last, last.Wall, movers(&last, a.router)), !played.Same()
			a.keep(*m)
		}
	}
	if here && !s.Ended {
		a.Then = a.explained(p, last, a.At, a.routers(s))
	}
	if err := p.Err(); err != nil && !cut(err) {
		a.Gaps = append(a.Gaps, fmt.Sprintf("%s: %v", chapters[i].file, err))
	}
	return nil
}

// keep keeps the last moves.
func (a *account) keep(m move) {
	if a.Moves = append(a.Moves, m); len(a.Moves) > mostMoments {
		a.Moves = a.Moves[1:]
		a.More++
	}
}

// tail fills a timeline with the end of an earlier segment.
func tail(lately *timeline, file string) {
	s, err := openTrace(file)
	if err != nil {
		return
	}
	for step, ok := s.Next(); ok; step, ok = s.Next() {
		lately.add(&step)
	}
}

// move is what is known before a step.
func (a *account) move(p *trace.Player, step *trace.Step, lately *timeline) *move {
	m := &move{Time: step.Wall, Event: cause(step.Event), Before: []happened{}}
	for _, l := range step.Answer.Lines {
		if l.What == trace.Enter {
			m.Moves = append(m.Moves, l.String())
		}
	}
	for _, h := range lately.before() {
		m.Before = append(m.Before, happened{step.Wall.Sub(h.at).Seconds(), h.text})
	}
	m.Knew = a.explained(p, *step, step.Wall, movers(step, a.router))
	return m
}

// movers are the routers that move with a step, the first few.
func movers(step *trace.Step, router string) (names []string) {
	for _, l := range step.Answer.Lines {
		if l.What == trace.Enter && (router == "" || l.Router == router) && !slices.Contains(names, l.Router) && len(names) < mostRouters {
			names = append(names, l.Router)
		}
	}
	return names
}

// routers are those that were asked for.
func (a *account) routers(s *trace.Segment) (names []string) {
	if a.router != "" {
		return []string{a.router}
	}
	for i := range s.Begin.Config.Routers {
		names = append(names, s.Begin.Config.Routers[i].Name)
	}
	return names
}

// explained is what the node would have said of some routers at a moment after a step.
func (a *account) explained(p *trace.Player, after trace.Step, at time.Time, routers []string) []daemon.RouterExplain {
	list := []daemon.RouterExplain{}
	if after.At.IsZero() {
		return list
	}
	after.At = after.At.Add(at.Sub(after.Wall))
	for _, name := range routers {
		if x, ok := p.Explain(after, name); ok {
			list = append(list, daemon.ExplainRouter(x))
		}
	}
	return list
}

// print writes it for people.
func (a *account) print(out io.Writer) {
	form := func(t time.Time) string { return t.Local().Format(momentForm) }
	fmt.Fprintf(out, "%s, as recorded from %s to %s\n", a.Node, form(a.Begins), form(a.Ends))
	for _, gap := range a.Gaps {
		fmt.Fprintf(out, "  %s\n", gap)
	}
	switch {
	case a.At.Before(a.Begins):
		fmt.Fprintf(out, "\nat %s: the trace does not go back so far\n", form(a.At))
	case len(a.Then) > 0:
		fmt.Fprintf(out, "\nat %s:\n", form(a.At))
	case a.Stopped && a.At.After(a.Ends):
		fmt.Fprintf(out, "\nat %s: the daemon did not run, it had ended in order\n", form(a.At))
	default:
		fmt.Fprintf(out, "\nat %s: nothing was recorded: the daemon did not run, or was killed\n", form(a.At))
	}
	for _, r := range a.Then {
		fmt.Fprintf(out, "  %s: %s\n", r.Router, r.Text)
	}
	if len(a.Moves) == 0 && !a.At.Before(a.Begins) {
		fmt.Fprintf(out, "\nno router had moved since the trace begins\n")
	}
	if a.More > 0 {
		fmt.Fprintf(out, "\n%s before these left out: ask for a closer moment, or for one router\n", was(a.More, "moment"))
	}
	for i := range a.Moves {
		a.Moves[i].print(out)
	}
}

func (m *move) print(out io.Writer) {
	for i, text := range m.Moves {
		when := m.Time.Local().Format(momentForm)
		if i > 0 {
			when = fmt.Sprintf("%*s", len(when), "")
		} else {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s  %s\n", when, text)
	}
	fmt.Fprintf(out, "  what set it off: %s\n", m.Event)
	if m.Differs {
		fmt.Fprintln(out, "  this version decides otherwise here: what follows is its account; see pairkeeper replay")
	}
	if len(m.Before) > 0 {
		fmt.Fprintln(out, "  what had happened:")
		for _, h := range m.Before {
			fmt.Fprintf(out, "  - %6.3fs before: %s\n", h.Seconds, h.Text)
		}
	}
	for _, r := range m.Knew {
		printSentences(out, "what "+r.Router+" knew just before:", append([]string{r.Text}, append(r.Facts, r.Peer...)...))
	}
	for _, r := range m.Became {
		printSentences(out, "what it said then:", append([]string{r.Text}, r.Changes...))
		printSentences(out, "what there was to do:", r.Remedy)
	}
}

// journalAt shows what the journal has of a moment: the rows around it, else the last one
// before.
func journalAt(out io.Writer, at time.Time, router string) error {
	a := asked{router: router, unit: "pairkeeper.service"}
	rows, err := a.read()
	if err != nil {
		return err
	}
	var near []logbook.Row // newest first
	for _, r := range rows {
		switch d := at.Sub(r.At); {
		case d.Abs() <= around:
			near = append(near, r)
		case d > 0 && len(near) == 0:
			near = append(near, r)
		}
	}
	if len(near) == 0 {
		fmt.Fprintln(out, "\nthe journal has nothing of that time or before")
		return nil
	}
	fmt.Fprintln(out, "\nfrom the journal, whose rows pairkeeper history shows:")
	printHistory(out, near)
	return nil
}
