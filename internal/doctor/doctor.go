// Package doctor finds what stands in the way of a pair, or will: it judges what package
// doctornet has read of a host, by rules that do no I/O. Each finding says what is so and on
// which evidence, why it matters, and which command mends it.
package doctor

import (
	"cmp"
	"slices"
)

// Severity is how bad a finding is.
type Severity int

// The severities.
const (
	Notice  Severity = iota // to be known
	Warning                 // it costs something one day
	Fault                   // it breaks the pair
)

func (s Severity) String() string { return [...]string{"notice", "warning", "fault"}[s] }

// MarshalText is the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one thing that is not as it should be.
type Finding struct {
	Check    string   `json:"check"` // the rule that found it: kebab-case, stable
	Severity Severity `json:"severity"`
	What     string   `json:"what"`
	Evidence []string `json:"evidence,omitempty"` // what was read
	Why      string   `json:"why"`
	Mend     []string `json:"mend,omitempty"`   // lines for a shell, by root on this node
	Advice   string   `json:"advice,omitempty"` // what no command does, or what the commands are about
}

// Report is all that was found.
type Report struct {
	Findings []Finding `json:"findings"`
	Good     []Look    `json:"good"`          // what was looked at, and nothing was found
	Unread   []Unread  `json:"not_looked_at"` // what could not be looked at
}

// Look is one rule without a finding.
type Look struct {
	Check string `json:"check"`
	What  string `json:"what"`
}

// Unread is what could not be read, and why.
type Unread struct {
	Area Area   `json:"area"`
	Why  string `json:"why"`
}

// Worst is the severity of the worst finding; Notice where there is none.
func (r *Report) Worst() Severity {
	worst := Notice
	for i := range r.Findings {
		worst = max(worst, r.Findings[i].Severity)
	}
	return worst
}

// check is one rule over what was read.
type check struct {
	id    string
	looks string // what it looks at, for the list of what is good
	needs []Area // without one of these it says nothing of what is good
	// concerns tells whether there is anything to look at; nil: always.
	concerns func(*Facts) bool
	judge    func(*Facts) []Finding
}

// checks are all rules, in the order of a report among equals.
func checks() []check {
	return slices.Concat(wireChecks, filterChecks, unitChecks, daemonChecks, proxyChecks, kernelChecks, linkChecks)
}

// Judge applies every rule; the worst findings are first.
func Judge(f *Facts) *Report {
	r := &Report{Findings: []Finding{}, Good: []Look{}, Unread: slices.Clone(f.Unread)}
	for _, c := range checks() {
		if c.concerns != nil && !c.concerns(f) {
			continue
		}
		found := c.judge(f)
		for i := range found {
			found[i].Check = c.id
		}
		r.Findings = append(r.Findings, found...)
		if len(found) == 0 && !slices.ContainsFunc(c.needs, f.unread) {
			r.Good = append(r.Good, Look{c.id, c.looks})
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return r
}
