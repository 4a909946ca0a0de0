package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Pool decides which servers of one service are to get connections. It is a plain value
// without a clock or timers: opinions of checks go in, what changed comes out, and Service
// says at any time what the kernel is to have.
type Pool struct {
	cfg    Config
	reals  []real
	quorum bool
	since  time.Time // of quorum
}

// real is one server and what its checks say.
type real struct {
	cfg    Real
	checks []check
	up     bool
	since  time.Time // of up
	why    string    // the last word of the check that made it so
}

// check is what one check says.
type check struct {
	good   bool
	offset int // what it adds to the weight
	why    string
}

// Event is what a Pool is told.
type Event interface{ isEvent() }

// Judged is the opinion of one check of one server, after its rise or fall.
type Judged struct {
	Server netip.AddrPort
	Check  int // its number among the server's checks
	Good   bool
	Offset int    // what it adds to the server's weight
	Why    string // what was asked and what came back
}

// Retuned changes the configuration. A server that stays, with as many checks as before,
// keeps what these said.
type Retuned struct{ Config Config }

// Ended tells that the service ends. After it only a new Pool makes sense.
type Ended struct{}

func (Judged) isEvent()  {}
func (Retuned) isEvent() {}
func (Ended) isEvent()   {}

// Action is what a Pool tells others.
type Action interface {
	fmt.Stringer
	isAction()
}

// ServerUp tells that a server gets connections from now on, if there is a quorum.
type ServerUp struct {
	Server netip.AddrPort
	Why    string
}

// ServerDown tells that a server gets no connections any more.
type ServerDown struct {
	Server netip.AddrPort
	Why    string
}

// QuorumGained tells that the good servers are enough.
type QuorumGained struct{ Weight, Needed int }

// QuorumLost tells that the good servers are too few.
type QuorumLost struct{ Weight, Needed int }

func (ServerUp) isAction()     {}
func (ServerDown) isAction()   {}
func (QuorumGained) isAction() {}
func (QuorumLost) isAction()   {}

func (a ServerUp) String() string   { return fmt.Sprintf("server %s up: %s", a.Server, a.Why) }
func (a ServerDown) String() string { return fmt.Sprintf("server %s down: %s", a.Server, a.Why) }
func (a QuorumGained) String() string {
	return fmt.Sprintf("quorum gained: weight %d of %d", a.Weight, a.Needed)
}
func (a QuorumLost) String() string {
	return fmt.Sprintf("quorum lost: weight %d of %d", a.Weight, a.Needed)
}

// NewPool returns a Pool whose checks have said nothing yet.
func NewPool(cfg Config, now time.Time) *Pool {
	p := &Pool{cfg: cfg, since: now}
	for _, r := range cfg.Servers {
		p.reals = append(p.reals, newReal(r, cfg.Alpha, now))
	}
	p.quorum = p.Weight() >= max(cfg.Quorum, 1)
	return p
}

func newReal(cfg Real, alpha bool, now time.Time) real {
	r := real{cfg: cfg, checks: make([]check, cfg.Checks), since: now}
	for i := range r.checks {
		r.checks[i] = check{good: !alpha, why: "not checked yet"}
	}
	r.up, r.why = r.opinion()
	return r
}

// Step gives the Pool an event and returns what changed, servers before the quorum.
func (p *Pool) Step(now time.Time, ev Event) []Action {
	var out []Action
	switch ev := ev.(type) {
	case Judged:
		out = p.judged(now, ev)
	case Retuned:
		p.retuned(now, ev.Config)
	case Ended:
		return p.ended()
	}
	return p.count(now, out)
}

func (p *Pool) judged(now time.Time, ev Judged) []Action {
	i := slices.IndexFunc(p.reals, func(r real) bool { return r.cfg.Server.Address == ev.Server })
	if i < 0 || ev.Check >= len(p.reals[i].checks) {
		return nil // a look that began before the configuration changed
	}
	r := &p.reals[i]
	r.checks[ev.Check] = check{ev.Good, ev.Offset, ev.Why}
	up, why := r.opinion()
	if up == r.up {
		r.why = why
		return nil
	}
	if up {
		why = ev.Why
	}
	r.up, r.since, r.why = up, now, why
	if up {
		return []Action{ServerUp{ev.Server, why}}
	}
	return []Action{ServerDown{ev.Server, why}}
}

// opinion is what all checks of a server say together, with the words of the first that is
// bad.
func (r *real) opinion() (good bool, why string) {
	for _, c := range r.checks {
		if !c.good {
			return false, c.why
		}
	}
	if len(r.checks) > 0 {
		return true, r.checks[0].why
	}
	return true, "has no check"
}

// weight is what a server has now, if it is up.
func (r *real) weight() int {
	sum := r.cfg.Server.Weight
	for _, c := range r.checks {
		sum += c.offset
	}
	return max(0, min(sum, MaxWeight))
}

func (p *Pool) retuned(now time.Time, cfg Config) {
	next := make([]real, 0, len(cfg.Servers))
	for _, c := range cfg.Servers {
		at := slices.IndexFunc(p.reals, func(r real) bool {
			return r.cfg.Server.Address == c.Server.Address && r.cfg.Checks == c.Checks
		})
		if at < 0 {
			next = append(next, newReal(c, cfg.Alpha, now))
			continue
		}
		r := p.reals[at]
		r.cfg = c
		next = append(next, r)
	}
	p.cfg, p.reals = cfg, next
}

// Weight is how much weight the good servers have together.
func (p *Pool) Weight() int {
	sum := 0
	for i := range p.reals {
		if r := &p.reals[i]; r.up {
			sum += r.weight()
		}
	}
	return sum
}

// count gains or loses the quorum.
func (p *Pool) count(now time.Time, out []Action) []Action {
	sum, c := p.Weight(), &p.cfg
	switch {
	case p.quorum && (sum == 0 || sum < c.Quorum-c.Hysteresis):
		p.quorum, p.since = false, now
		return append(out, QuorumLost{sum, c.Quorum})
	case !p.quorum && sum > 0 && sum >= c.Quorum+c.Hysteresis:
		p.quorum, p.since = true, now
		return append(out, QuorumGained{sum, c.Quorum})
	}
	return out
}

// ended tells the end as a failure, where that is wanted.
func (p *Pool) ended() []Action {
	if !p.cfg.Omega {
		return nil
	}
	var out []Action
	for i := range p.reals {
		if r := &p.reals[i]; r.up {
			out = append(out, ServerDown{r.cfg.Server.Address, "the service ends"})
		}
	}
	if p.quorum {
		out = append(out, QuorumLost{0, p.cfg.Quorum})
	}
	return out
}

// apologizes tells whether the sorry server is in its place.
func (p *Pool) apologizes() bool { return !p.quorum && p.cfg.hasSorry() }

// Service is what the kernel is to have.
func (p *Pool) Service() Service {
	s := Service{Key: p.cfg.Key, Options: p.cfg.Options, Servers: make([]Server, 0, len(p.reals)+1)}
	for i := range p.reals {
		if one, in := p.place(&p.reals[i]); in {
			s.Servers = append(s.Servers, one)
		}
	}
	if p.apologizes() {
		s.Servers = append(s.Servers, p.cfg.Sorry)
	}
	return s
}

// place is a server as the kernel is to have it; in: it is to have it at all.
func (p *Pool) place(r *real) (s Server, in bool) {
	s = r.cfg.Server
	if r.up && !p.apologizes() {
		s.Weight = r.weight()
		return s, true
	}
	s.Weight = 0
	return s, r.cfg.Inhibit
}
