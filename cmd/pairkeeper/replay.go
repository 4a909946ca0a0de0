package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

const momentForm = "2006-01-02 15:04:05.000"

func newReplay() *cobra.Command {
	most := 10
	c := &cobra.Command{
		Use:   "replay FILE|FOLDER...",
		Short: "go through what a node recorded, and show where this version would decide otherwise",
		Long: `Gives each event of a trace to the deciders of this version, and compares what they want
done with what was recorded. Nothing is touched. Exit status: 0 where all is the same, 1 where
something differs, 65 where a file is damaged. The trace of the service is in ` + stateTrace + `.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			files, err := traceFiles(args)
			if err != nil {
				return err
			}
			return replayAll(c.OutOrStdout(), files, most)
		},
	}
	c.Flags().IntVarP(&most, "lines", "n", most, "how many differences of a file are shown")
	return c
}

// replayAll replays files one after the other; a file that cannot be read does not keep the
// others from it.
func replayAll(out io.Writer, files []string, most int) error {
	differ, events := 0, 0
	var damage error
	for _, file := range files {
		s, err := openTrace(file)
		switch {
		case cut(err):
			fmt.Fprintf(out, "%v: nothing was written yet\n", err)
			continue
		case err != nil:
			fmt.Fprintln(out, err)
			damage = err
			continue
		}
		r := replay{out: out, most: most}
		r.run(file, s)
		differ += r.differ
		events += r.events
		if r.err != nil {
			damage = failure{exitData, fmt.Errorf("%s: %w", file, r.err)}
		}
	}
	switch {
	case damage != nil:
		return damage
	case differ > 0:
		return failure{1, fmt.Errorf("%d of %d events are answered otherwise by this version (%s)", differ, events, version())}
	}
	return nil
}

// replay is one segment that is gone through.
type replay struct {
	out                 io.Writer
	most                int
	events, transitions int
	differ, shown       int
	first, last         time.Time
	err                 error
	text                strings.Builder
}

func (r *replay) run(file string, s *trace.Segment) {
	p := trace.Play(s)
	for {
		played, ok := p.Next(nil)
		if !ok {
			break
		}
		r.step(p, &played)
	}
	r.err = p.Err()
	ends := ""
	if cut(r.err) {
		ends = fmt.Sprintf("  it ends %v: a daemon was killed there, or writes\n", r.err)
		r.err = nil
	}
	fmt.Fprintf(r.out, "%s: %s, recorded by %s, %s: %s, %s: %s\n", file, s.Begin.Config.Node, s.Begin.Version, r.span(),
		count(r.events, "event"), count(r.transitions, "transition"), r.verdict())
	if s.Begin.Lost > 0 {
		fmt.Fprintf(r.out, "  before it %s not recorded: the disk did not take them\n", was(int(s.Begin.Lost), "event"))
	}
	fmt.Fprint(r.out, ends, r.text.String())
	if r.shown > 0 && r.differ > r.shown {
		fmt.Fprintf(r.out, "  … and %s more; what follows a difference was recorded in another course of events: the first one counts\n", count(r.differ-r.shown, "event"))
	}
	for _, name := range s.Strange() {
		fmt.Fprintf(r.out, "  %s\n", name)
	}
}

func (r *replay) step(p *trace.Player, played *trace.Played) {
	if r.events == 0 {
		r.first = played.Wall
	}
	r.last = played.Wall
	r.events++
	for _, l := range played.Answer.Lines {
		if l.What == trace.Enter {
			r.transitions++
		}
	}
	if played.Same() {
		return
	}
	r.differ++
	then, now := onlyIn(played.Answer.Lines, played.Now.Lines), onlyIn(played.Now.Lines, played.Answer.Lines)
	if routine := len(then)+len(now) == 0; r.shown < r.most && (!routine || r.differ == 1) {
		r.shown++
		r.show(p, played, then, now)
	}
}

// show writes what was recorded and what this version does, and why.
func (r *replay) show(p *trace.Player, played *trace.Played, then, now []trace.Line) {
	what := "an event that this version does not know"
	if played.Event != nil {
		what = played.Event.String()
	}
	fmt.Fprintf(&r.text, "  %s  %s\n", played.Wall.Local().Format(momentForm), what)
	if len(then)+len(now) == 0 {
		fmt.Fprintf(&r.text, "    other adverts, renewals or heartbeats than recorded\n")
		return
	}
	r.lines("recorded:", then)
	r.lines("now:", now)
	explained := map[string]bool{}
	for _, l := range append(then, now...) {
		if l.Router == "" || explained[l.Router] {
			continue
		}
		explained[l.Router] = true
		if x, ok := p.Explain(played.Step, l.Router); ok {
			fmt.Fprintf(&r.text, "    now %s would say: %s\n", l.Router, x.Text)
		}
	}
}

func (r *replay) lines(head string, list []trace.Line) {
	if len(list) == 0 {
		fmt.Fprintf(&r.text, "    %-9s nothing\n", head)
	}
	for _, l := range list {
		fmt.Fprintf(&r.text, "    %-9s %s\n", head, l)
		head = ""
	}
}

// onlyIn is what is in one list and not in the other.
func onlyIn(list, other []trace.Line) (only []trace.Line) {
next:
	for _, l := range list {
		for _, o := range other {
			if l.Same(o) {
				continue next
			}
		}
		only = append(only, l)
	}
	return only
}

func (r *replay) span() string {
	if r.events == 0 {
		return "nothing happened"
	}
	return r.first.Local().Format(momentForm) + " to " + r.last.Local().Format(momentForm)
}

func (r *replay) verdict() string {
	if r.differ == 0 {
		return "this version decides the same"
	}
	return fmt.Sprintf("this version answers %d otherwise", r.differ)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func was(n int, what string) string {
	if n == 1 {
		return count(n, what) + " was"
	}
	return count(n, what) + " were"
}
