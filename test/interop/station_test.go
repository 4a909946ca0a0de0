//go:build linux

package interop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// router is one of the two programs; it calls the RFC's Active and Backup by a word of
// its own.
type router interface {
	Stop(testing.TB)
	Kill(testing.TB)
	Hang(testing.TB)
	Resume(testing.TB)
	States() []string
	Log() string
}

// station is a host with the program that it runs.
type station struct {
	name       string
	host       *netlab.Host
	addr       string // where its adverts come from
	virtualMAC string // what it announces the addresses with; empty: the host's own
	start      func() router
	router     router // nil: not running
	active     string
}

func (s *station) up(t testing.TB) {
	t.Helper()
	s.router = s.start()
}

func (s *station) isActive(t testing.TB) {
	t.Helper()
	waitForState(t, s.router, s.active)
}

func (s *station) isBackup(t testing.TB) {
	t.Helper()
	waitForState(t, s.router, "BACKUP")
}

// says waits until the router has printed all the words.
func (s *station) says(t testing.TB, words ...string) {
	t.Helper()
	waitForLog(t, s.router, words...)
}

func (s *station) pairkeeper() *Pairkeeper { return s.router.(*Pairkeeper) }

// mac is what the station announces the addresses with.
func (s *station) mac() string {
	if s.virtualMAC != "" {
		return s.virtualMAC
	}
	return s.host.Cable("eth0").MAC.String()
}

// powerCut ends the host's program and its network at once; the switch keeps nothing of
// it, its own kernel forgets everything.
func (s *station) powerCut(t testing.TB) {
	t.Helper()
	s.host.Cable("eth0").Detach()
	s.router.Kill(t)
	for line := range strings.Lines(s.host.Run("ip", "-o", "link", "show", "type", "macvlan")) {
		name, _, _ := strings.Cut(strings.Fields(line)[1], "@")
		s.host.Run("ip", "link", "del", name)
	}
	for _, a := range []string{vip + "/24", vipOther + "/24", vip6 + "/64", local6 + "/64"} {
		_, _ = s.host.Try("ip", "address", "del", a, "dev", "eth0") // absent after a lifetime
	}
}

func (s *station) powerOn(t testing.TB) {
	t.Helper()
	s.host.Cable("eth0").Attach()
	s.up(t)
}

// waitForState waits until all virtual routers of a program are in the state.
func waitForState(t testing.TB, r router, state string) {
	t.Helper()
	other := func(s string) bool { return s != state }
	for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
		states := r.States()
		if len(states) > 0 && !slices.ContainsFunc(states, other) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%T is %v, not %s within %v", r, states, state, soon)
		}
	}
}

// waitForLog waits until a program has printed all the words.
func waitForLog(t testing.TB, r router, words ...string) {
	t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		log := r.Log()
		lacking := slices.IndexFunc(words, func(w string) bool { return !strings.Contains(log, w) })
		if lacking < 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%T did not say %q within %v", r, words[lacking], soon)
		}
	}
}
