package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/sim"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// rehearsal is what rehearse prints; as JSON it is schema 1.
type rehearsal struct {
	Schema int       `json:"schema"`
	File   string    `json:"file"`
	Nodes  [2]string `json:"nodes"`
	Faults []fault   `json:"faults"`
	Advice []advice  `json:"advice"`
	Bad    int       `json:"bad"` // faults with a verdict that something can be done about
}

type fault struct {
	Name     string   `json:"name"`
	What     string   `json:"what"`
	Services []effect `json:"services"`
}

// effect is what a fault does to a service; times are in seconds.
type effect struct {
	Service string   `json:"service"`
	Before  string   `json:"held_before"`
	After   string   `json:"held_after"`
	None    float64  `json:"none_seconds"`
	Two     float64  `json:"two_seconds"`
	Lasts   bool     `json:"none_lasts"` // until the fault is mended
	Split   bool     `json:"two_last"`
	Verdict string   `json:"verdict,omitempty"`
	Why     []string `json:"why"`
	Finally string   `json:"held_when_mended"`
	Mending mending  `json:"mending"`
}

type mending struct {
	None float64 `json:"none_seconds"`
	Two  float64 `json:"two_seconds"`
}

type advice struct {
	Line int    `json:"line,omitempty"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

func newRehearsal(file, a, b string, played []sim.Rehearsal) *rehearsal {
	r := &rehearsal{Schema: 1, File: file, Nodes: [2]string{a, b}, Faults: []fault{}, Advice: []advice{}}
	for i := range played {
		f := fault{Name: played[i].Drill.Name, What: played[i].Drill.What}
		bad := false
		for j := range played[i].Services {
			e := &played[i].Services[j]
			bad = bad || e.Verdict.Bad()
			f.Services = append(f.Services, effect{
				Service: e.Service, Before: e.Before, After: e.After, None: seconds(e.None), Two: seconds(e.Two),
				Lasts: e.Lasts, Split: e.Split, Verdict: string(e.Verdict), Why: r.why(e), Finally: e.Finally,
				Mending: mending{seconds(e.Mending.None), seconds(e.Mending.Two)},
			})
		}
		if bad {
			r.Bad++
		}
		r.Faults = append(r.Faults, f)
	}
	return r
}

// advise adds what the file could have better.
func (r *rehearsal) advise(d *config.Document) {
	for _, a := range append(d.Warnings(), d.Advice()...) {
		r.Advice = append(r.Advice, advice{a.Line, a.Path, a.Text})
	}
}

// why says in words what moved a service, or what kept it: who left, who took it, else what
// an operator was told.
func (r *rehearsal) why(e *sim.Effect) []string {
	texts := []string{}
	var left, took, noted string
	for _, m := range e.Moves {
		text := r.sentence(m)
		switch {
		case text == "":
		case m.From == m.To && noted == "":
			noted = text
		case m.From == vrrp.Active && left == "":
			left = text
		case m.To == vrrp.Active:
			took = text
		}
	}
	if left == "" && took == "" {
		left = noted
	}
	for _, t := range []string{left, took} {
		if t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}

// sentence says what moved a node, by name.
func (r *rehearsal) sentence(m sim.Move) string {
	peer := r.Nodes[0]
	if m.Node == peer {
		peer = r.Nodes[1]
	}
	is := supervisor.Meaning(m.Reason)
	if is == "" {
		return ""
	}
	is = strings.NewReplacer("the other node", peer, "the other one", peer, "this node", m.Node, "this one", m.Node).Replace(is)
	return fmt.Sprintf("%s: %s (%s)", m.Node, is, m.Reason)
}

// print writes it for people.
func (r *rehearsal) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\tHELD BY\tNONE\tTWO\tWHY")
	for _, f := range r.Faults {
		for _, e := range f.Services {
			name := f.Name
			if len(f.Services) > 1 {
				name += " (" + e.Service + ")"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s%s\n", name, holder(e.After), forSeconds(e.None, e.Lasts), forSeconds(e.Two, e.Split), e.mark(), strings.Join(e.Why, "; "))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	r.legend(out)
	for _, a := range r.Advice {
		fmt.Fprintln(out, config.Error{File: r.File, Line: a.Line, Path: a.Path, Text: a.Text}.Error())
	}
	return nil
}

// printJSON writes it for programs.
func (r *rehearsal) printJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// mark is put before the reason of what could be better.
func (e *effect) mark() string {
	switch sim.Verdict(e.Verdict) {
	case sim.Outage, sim.Twice:
		return "! "
	case sim.Parted:
		return "? "
	case sim.Stays:
		return "= "
	}
	return ""
}

// legend says what the marks mean that there are.
func (r *rehearsal) legend(out io.Writer) {
	marks := map[string]string{
		"! ": "could be better: nobody serves though a healthy node is there, or two hold, which can be prevented",
		"? ": "the nodes cannot know who lives: without a third vote, a fence or a named winner two hold, or nobody does",
		"= ": "the addresses stay with a node that is worse off: what its trouble costs is too little",
	}
	fmt.Fprintln(out)
	for _, mark := range []string{"! ", "? ", "= "} {
		if slices.ContainsFunc(r.Faults, func(f fault) bool {
			return slices.ContainsFunc(f.Services, func(e effect) bool { return e.mark() == mark })
		}) {
			fmt.Fprintf(out, "%s%s\n", mark, marks[mark])
		}
	}
}

// seconds is a time, to the millisecond.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func holder(name string) string {
	if name == "" {
		return "nobody"
	}
	return name
}

// forSeconds is a time in seconds; one that is not over has a plus.
func forSeconds(s float64, on bool) string {
	switch {
	case on:
		return "until mended"
	case s < 0.001:
		return "-"
	}
	return (time.Duration(s*1000+0.5) * time.Millisecond).String()
}

// verdict says what is wrong, in a sentence.
func (r *rehearsal) verdict() string {
	return fmt.Sprintf("%s: %d of %d faults end worse than they need to", r.File, r.Bad, len(r.Faults))
}
