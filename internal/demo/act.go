package demo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// act is a fault and its end.
type act struct {
	name  string
	steps func(*pair) []step
}

// step is one thing that happens.
type step struct {
	what string       // for the time line
	do   func() error // makes it happen
	want func(from time.Duration) error
	did  string // what it means when that is so
	note string // what else the reader should know
	boot bool   // nobody was served before
}

// twoAtMost is how long two nodes may hold the virtual address: at a pre-emption, for as
// long as an advert and its effect take on a busy machine.
const twoAtMost = 150 * time.Millisecond

// unbroken tells whether the virtual address was held by one node at a time.
func (s step) unbroken(seen sight) error {
	if seen.two > twoAtMost {
		return fmt.Errorf("two nodes answered for %s for %s", vip, seen.two)
	}
	return nil
}

// opening is always played.
var opening = act{"start", (*pair).start}

var acts = []act{
	{"kill-proxy", (*pair).proxyKilled},
	{"break-proxy", (*pair).proxyBroken},
	{"kill-daemon", (*pair).daemonKilled},
	{"pause-daemon", (*pair).daemonPaused},
	{"cut-cable", (*pair).cableCut},
	{"stop-daemon", (*pair).daemonStopped},
}

// Acts are the names of the acts, in their order.
func Acts() []string {
	var names []string
	for _, a := range acts {
		names = append(names, a.name)
	}
	return names
}

// chosen are the acts to play.
func chosen(only []string) ([]act, error) {
	for _, name := range only {
		if !slices.Contains(Acts(), name) {
			return nil, fmt.Errorf("--only %s: there is no such act; there are %s", name, strings.Join(Acts(), ", "))
		}
	}
	list := []act{opening}
	for _, a := range acts {
		if len(only) == 0 || slices.Contains(only, a.name) {
			list = append(list, a)
		}
	}
	return list, nil
}

func (p *pair) start() []step {
	return []step{{
		what: "lb01 and lb02 start", did: "lb01 took the VIP", boot: true,
		do:   func() error { p.one.start(); p.two.start(); return nil },
		want: p.home,
	}}
}

func (p *pair) proxyKilled() []step {
	before := 0
	return []step{{
		what: "lb01: kill -9 " + p.proxy.name,
		did:  "restarted it, VIP stayed on lb01",
		do: func() error {
			s, err := p.one.status()
			if err != nil {
				return err
			}
			before = s.Proxy.Restarts
			return p.one.killProxy()
		},
		want: func(from time.Duration) error {
			switch s, err := p.one.status(); {
			case err != nil:
				return err
			case s.Proxy.Restarts == before || s.Proxy.State != supervisor.Good.String():
				return fmt.Errorf("lb01: %s is %s, restarted %d times", p.proxy.name, s.Proxy.State, s.Proxy.Restarts-before)
			case p.one.log.has("ACTIVE -> ", from):
				return errors.New("lb01 gave the VIP away")
			}
			return p.home(from)
		},
	}}
}

func (p *pair) proxyBroken() []step {
	return []step{{
		what: "lb01: bad " + p.proxy.conf + ", kill -9",
		did:  "gave up, VIP moved to lb02",
		do:   func() error { return errors.Join(p.proxy.write(p.one, false), p.one.killProxy()) },
		want: func(from time.Duration) error {
			return cmp.Or(p.one.is(vrrp.Fault, supervisor.ReasonProxyDown), p.away(from))
		},
	}, {
		what: "lb01: " + p.proxy.conf + " mended",
		did:  "started it, VIP back to lb01",
		do:   func() error { return p.proxy.write(p.one, true) },
		want: p.home,
	}}
}

func (p *pair) daemonKilled() []step {
	return []step{{
		what: "lb01: kill -9 pairkeeper",
		did:  "its kernel let go, lb02 took it",
		note: p.proxy.name + " was a child of pairkeeper here, and ended with it; under systemd it would live on, and " +
			"pairkeeper cleanup (ExecStopPost=) would hand the VIP over at once",
		do:   func() error { return p.one.signal(unix.SIGKILL) },
		want: p.away,
	}, p.started()}
}

func (p *pair) started() step {
	return step{
		what: "lb01: pairkeeper started", did: "listened, VIP back to lb01",
		do:   func() error { p.one.start(); return nil },
		want: p.home,
	}
}

func (p *pair) daemonPaused() []step {
	return []step{{
		what: "lb01: kill -STOP pairkeeper",
		did:  "its kernel let go, lb02 took it",
		do:   func() error { return p.one.signal(unix.SIGSTOP) },
		want: p.away,
	}, {
		what: "lb01: kill -CONT pairkeeper",
		did:  "gave way, listened, VIP back to lb01",
		do:   func() error { return p.one.signal(unix.SIGCONT) },
		want: func(from time.Duration) error {
			if !p.one.log.has("ACTIVE -> BACKUP ("+string(vrrp.ReasonPaused)+")", from) {
				return errors.New("lb01 did not become BACKUP")
			}
			return p.home(from)
		},
	}}
}

func (p *pair) cableCut() []step {
	return []step{{
		what: "lb01: cable cut",
		did:  "lb01 let the VIP go, lb02 took it",
		do:   func() error { p.one.net.Cable(nic).Cut(); return nil },
		want: func(from time.Duration) error {
			return cmp.Or(p.one.is(vrrp.Fault, supervisor.ReasonLinkDown), p.away(from))
		},
	}, {
		what: "lb01: cable plugged in",
		did:  "listened, VIP back to lb01",
		do:   func() error { p.one.net.Cable(nic).Join(); return nil },
		want: p.home,
	}}
}

func (p *pair) daemonStopped() []step {
	return []step{{
		what: "lb01: pairkeeper stopped",
		did:  "released the VIP, lb02 took it",
		do:   func() error { return p.one.signal(unix.SIGTERM) },
		want: func(from time.Duration) error {
			if how, gone := p.one.gone(); !gone || how != "exit status 0" {
				return errors.New("lb01: pairkeeper did not end in order: " + how)
			}
			return p.away(from)
		},
	}, p.started()}
}
