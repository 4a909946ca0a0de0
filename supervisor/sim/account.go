package sim

import (
	"math/bits"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// service is what moves as one: the routers of a group, or one alone.
type service struct {
	name    string
	names   []string // of its routers
	routers []int    // by their place in the configuration, the same on both nodes
	Account
	none, two time.Duration // how long it has lasted now
	holders   uint          // a bit for each host
	alone     uint          // the last node that held it alone
}

// Account is what the clients of a service went through since a mark.
type Account struct {
	Holder  string        // at the end: a node, "lb01 and lb02", or empty
	None    time.Duration // nobody who can be reached had all of its addresses and a proxy that answers
	Two     time.Duration // two had one of its addresses, wherever they can be reached
	Split   time.Duration // the same, and clients could reach both
	Longest struct{ None, Two time.Duration }
	Moves   int
	Serving bool // at the end somebody serves
	Both    bool // at the end clients reach two
}

// services are those of a configuration, in its order.
func services(cfg *supervisor.Config) (list []*service) {
	groups := map[string]*service{}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		if s := groups[r.Group]; r.Group != "" && s != nil {
			s.routers, s.names = append(s.routers, i), append(s.names, r.Name)
			continue
		}
		s := &service{name: r.Name, routers: []int{i}, names: []string{r.Name}}
		if r.Group != "" {
			s.name, groups[r.Group] = r.Group, s
		}
		list = append(list, s)
	}
	return list
}

// pass accounts for a time in which nothing changed.
func (s *service) pass(w *World, d time.Duration) {
	holders, reached, serving := uint(0), 0, false
	for i, h := range w.hosts {
		some, all, reachable := s.on(h)
		if some {
			holders |= 1 << i
			if reachable {
				reached++
			}
		}
		serving = serving || all && reachable && h.proxy.serves()
	}
	if holders != s.holders {
		s.held(w, holders)
	}
	s.Serving, s.Both = serving, reached > 1
	lasts(&s.none, &s.None, &s.Longest.None, !serving, d)
	lasts(&s.two, &s.Two, &s.Longest.Two, bits.OnesCount(holders) > 1, d)
	if reached > 1 {
		s.Split += d
	}
}

// on tells whether a host has some of the addresses, all of them, and whether clients reach
// it for them.
func (s *service) on(h *host) (some, all, reachable bool) {
	all, reachable = true, true
	for _, i := range s.routers {
		v := &h.vips[i]
		some = some || v.answers
		all = all && v.answers
		reachable = reachable && h.reachable(v.cfg)
	}
	return some, all, reachable
}

// held counts a move when another node holds the service alone.
func (s *service) held(w *World, holders uint) {
	s.holders = holders
	if bits.OnesCount(holders) == 1 && holders != s.alone {
		s.alone = holders
		s.Moves++
	}
	s.Holder = w.names(holders)
}

// lasts adds a time to what something came to, if it is so.
func lasts(stretch, sum, longest *time.Duration, so bool, d time.Duration) {
	if !so {
		*stretch = 0
		return
	}
	*stretch += d
	*sum += d
	*longest = max(*longest, *stretch)
}

// Mark begins the accounts anew.
func (w *World) Mark() {
	for _, s := range w.ledger.services {
		s.Account, s.none, s.two = Account{Holder: s.Holder, Serving: s.Serving}, 0, 0
	}
}

// Accounts are what has happened to each service since the mark, in the order of the
// configuration.
func (w *World) Accounts() (list []Account) {
	for _, s := range w.ledger.services {
		list = append(list, s.Account)
	}
	return list
}
