package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// many are openings of n addresses of each family.
func many(n int, ttl time.Duration) (openings []Opening) {
	four, six := netip.MustParseAddr("10.20.0.0"), netip.MustParseAddr("fd20::")
	for range n {
		four, six = four.Next(), six.Next()
		openings = append(openings, Opening{"web", four, ttl}, Opening{"web", six, ttl})
	}
	return openings
}

// inSet is what nft(8) says is in a set, without what has run out.
func inSet(t *testing.T, h *netlab.Host, family, table, set string) string {
	t.Helper()
	return h.Run("nft", "list", "set", family, table, set)
}

func lonely(t *testing.T) *netlab.Host {
	t.Helper()
	netlab.Need(t, "nft")
	return netlab.New(t).Host("a")
}

func TestRenewalNeverOpensWhatHadRunOut(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	short, long := many(3, time.Second), Opening{"web", virtual, time.Minute}
	must(t, gate.Open(append(slices.Clone(short), long)))
	time.Sleep(1200 * time.Millisecond)
	for i := range short {
		short[i].TTL = time.Minute
	}
	// By our own clock first; then as if the process had been stopped after it looked.
	for _, what := range []string{"by our clock", "by the kernel's"} {
		late, err := gate.Renew(append(slices.Clone(short), long))
		if err != nil || !slices.Equal(late, short) {
			t.Errorf("%s: late %v, %v, want %v", what, late, err, short)
		}
		for _, set := range []string{"open4", "open6"} {
			if list := inSet(t, h, "inet", gateName, set); strings.Contains(list, "20") && strings.Contains(list, short[0].Addr.String()) {
				t.Errorf("%s: open:\n%s", what, list)
			}
		}
		if list := inSet(t, h, "inet", gateName, "open4"); !strings.Contains(list, virtual.String()) {
			t.Errorf("%s: %s was in time, but is not open:\n%s", what, virtual, list)
		}
		for _, o := range short {
			gate.places.set(o.For, o.Addr, time.Now().Add(clockError/2))
		}
	}
	if n := gate.Mended(); n != 0 {
		t.Errorf("mended %d times", n)
	}
	must(t, gate.Open(short)) // to take them anew is another matter
	if late, err := gate.Renew(short); len(late) > 0 || err != nil {
		t.Errorf("late %v, %v", late, err)
	}
}

// Nor does a failure make it believe that the address is open for longer.
func TestRenewalThatFailsProlongsNothing(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	openings := many(1, 2*time.Second)
	must(t, gate.Open(openings))
	h.Do(func() {
		without(t, unix.CAP_NET_ADMIN, func() {
			var missing *MissingCapability
			if late, err := gate.Renew(openings[:1]); len(late) > 0 || !errors.As(err, &missing) {
				t.Errorf("late %v, %v", late, err)
			}
			if err := gate.Open(openings[1:]); !errors.As(err, &missing) {
				t.Errorf("%v", err)
			}
		})
	})
	if late, err := gate.Renew(openings); err != nil || !slices.Equal(late, openings[1:]) {
		t.Errorf("late %v, %v", late, err)
	}
	must(t, gate.Open(openings))
	h.Do(func() {
		without(t, unix.CAP_NET_ADMIN, func() { _, _ = gate.Renew(many(1, time.Hour)) })
	})
	time.Sleep(2100 * time.Millisecond)
	if late, err := gate.Renew(many(1, time.Hour)); err != nil || len(late) != 2 || gate.Mended() > 0 {
		t.Errorf("late %v, %v, mended %d times", late, err, gate.Mended())
	}
}

func TestGateThatTakesTooLongToOpenIsShut(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	if err := gate.Open(many(1, time.Nanosecond)); err == nil || !strings.Contains(err.Error(), "longer than it may stay open") {
		t.Errorf("%v", err)
	}
	if list := h.Run("nft", "list", "ruleset"); strings.Contains(list, "expires") {
		t.Errorf("open:\n%s", list)
	}
}

func TestRenewalIsOfWhatIsGuarded(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	all := many(1, time.Minute)
	renew := func(what string, want ...Opening) {
		t.Helper()
		if late, err := gate.Renew(all); err != nil || !slices.Equal(late, want) {
			t.Errorf("%s: late %v, %v, want %v", what, late, err, want)
		}
		if list := h.Run("nft", "list", "ruleset"); strings.Contains(list, "expires") {
			t.Errorf("%s: open:\n%s", what, list)
		}
	}
	renew("not opened yet")
	must(t, gate.Open(all))
	must(t, gate.Shut(all))
	renew("shut", all...)
	must(t, gate.LetGo(all))
	renew("let go")
}

func TestGateThatSomebodyRemovedIsPutBack(t *testing.T) {
	g := gatedPair(t)
	gate := openGate(t, g.holder)
	short := slices.Clone(g.openings)
	for i := range short {
		short[i].TTL = 10 * time.Second
	}
	must(t, gate.Open(short))
	for i, c := range []struct {
		what   string
		remove func()
	}{
		{"flush ruleset", func() { g.holder.Run("nft", "flush", "ruleset") }},
		{"one of the tables", func() { g.holder.Run("nft", "delete", "table", "arp", gateName) }},
		{"elements", func() { g.holder.Run("nft", "flush", "set", "inet", gateName, "open4") }},
	} {
		c.remove()
		if late, err := gate.Renew(short); len(late) > 0 || err != nil {
			t.Fatalf("%s: late %v, %v", c.what, late, err)
		}
		if n := gate.Mended(); n != i+1 {
			t.Errorf("%s: mended %d times, want %d", c.what, n, i+1)
		}
	}
	g.wantOpen(t)
	must(t, gate.Shut(g.openings))
	g.wantShut(t)
	g.holder.Run("nft", "flush", "ruleset")
	must(t, gate.Shut(g.openings[:1]))
	g.wantShut(t)
}

// guardianEnv makes this test binary a process that keeps a gate open until it dies.
const guardianEnv = "PAIRKEEPER_TEST_GUARDIAN"

func guardian() {
	gate, err := OpenGate()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var openings []Opening
	for _, a := range strings.Fields(os.Getenv(guardianEnv)) {
		openings = append(openings, Opening{"web", netip.MustParseAddr(a), 2 * time.Second})
	}
	err = gate.Open(openings)
	fmt.Println("open")
	for ; err == nil; time.Sleep(100 * time.Millisecond) {
		_, err = gate.Renew(openings)
	}
	fmt.Println(err)
	os.Exit(1)
}

// startGuardian starts such a process inside a host, and waits until its gate is open.
func startGuardian(t *testing.T, h *netlab.Host, addrs ...netip.Addr) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), guardianEnv+"="+strings.Trim(fmt.Sprint(addrs), "[]"))
	out, err := cmd.StdoutPipe()
	must(t, err)
	h.Start(cmd)
	b := make([]byte, 5)
	if n, err := out.Read(b); err != nil || string(b[:n]) != "open\n" {
		t.Fatalf("the guardian said %q, %v", b[:n], err)
	}
	return cmd
}

func TestGateOfADeadDaemonShutsAndIsCleanedUp(t *testing.T) {
	g := gatedPair(t)
	cmd := startGuardian(t, g.holder, virtual, address6, local6)
	cleanUp := func(want ...string) {
		t.Helper()
		g.holder.Do(func() {
			if removed, err := CleanUpGates(); err != nil || !slices.Equal(removed, want) {
				t.Errorf("removed %q, %v, want %q", removed, err, want)
			}
		})
	}
	cleanUp() // it lives
	g.wantOpen(t)
	other := openGate(t, g.holder) // of another daemon of this host
	must(t, other.Open(many(1, time.Minute)))

	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(2200 * time.Millisecond)
	g.wantShut(t)
	cleanUp() // it hangs, but lives
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	g.wantShut(t)

	// The next daemon keeps it shut until it has removed the addresses.
	next := openGate(t, g.holder)
	if next.table != gateName {
		t.Errorf("the next gate is %s", next.table)
	}
	g.wantShut(t)
	must(t, next.Open(g.openings[:1]))
	must(t, next.LetGo(g.openings[1:2]))
	must(t, next.LetGoOfTheDead())
	g.wantOpen(t)
	if until, guarded := next.Until(g.openings[0].For, g.openings[0].Addr); !guarded || !until.After(time.Now()) {
		t.Errorf("what was opened anew is guarded: %t, until %s", guarded, until)
	}
	if _, guarded := next.Until(g.openings[2].For, g.openings[2].Addr); guarded {
		t.Error("what the dead daemon had is still guarded")
	}
	must(t, next.Shut(g.openings))
	must(t, errors.Join(next.socket.Close(), next.claim.Close())) // it dies
	g.wantShut(t)
	cleanUp(gateName)
	g.wantOpen(t)
	if left := g.holder.Run("nft", "list", "tables"); left != "table arp pairkeeper-2\ntable inet pairkeeper-2\n" {
		t.Errorf("there is:\n%s", left)
	}
}

func TestCleanUpLeavesTablesOfOthers(t *testing.T) {
	h := lonely(t)
	h.Rules("table inet pairkeeper-mine { }; table ip pairkeepers { }; table ip filter { };")
	before := h.Run("nft", "list", "ruleset")
	h.Do(func() {
		if removed, err := CleanUpGates(); len(removed) > 0 || err != nil {
			t.Errorf("removed %q, %v", removed, err)
		}
	})
	if after := h.Run("nft", "list", "ruleset"); after != before {
		t.Errorf("there was\n%s\nand is\n%s", before, after)
	}
}

func TestThousandAddressesOfEachFamily(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	all := many(1000, time.Minute)
	must(t, gate.Open(all))
	if late, err := gate.Renew(all); len(late) > 0 || err != nil {
		t.Fatalf("late %v, %v", late, err)
	}
	count := func(set string) int { return strings.Count(inSet(t, h, "inet", gateName, set), "20") }
	for _, set := range []string{"guarded4", "open4", "guarded6", "open6"} {
		if n := count(set); n < 1000 {
			t.Errorf("%s has %d elements", set, n)
		}
	}
	h.Run("nft", "flush", "ruleset")
	if late, err := gate.Renew(all); len(late) > 0 || err != nil || gate.Mended() != 1 {
		t.Errorf("late %v, %v, mended %d times", late, err, gate.Mended())
	}
	for _, set := range []string{"guarded4", "open4", "guarded6", "open6"} {
		if n := count(set); n < 1000 {
			t.Errorf("mended: %s has %d elements", set, n)
		}
	}
	// None of the second half is in time: a transaction with many refusals.
	for i := range all {
		all[i].TTL = 2 * time.Second
	}
	must(t, gate.Open(all[1000:]))
	time.Sleep(2100 * time.Millisecond)
	for i, o := range all {
		gate.places.set(o.For, o.Addr, time.Now().Add(clockError/2))
		all[i].TTL = time.Minute
	}
	late, err := gate.Renew(all)
	if err != nil || len(late) < 1000 {
		t.Errorf("%d late, %v", len(late), err)
	}
	must(t, gate.LetGo(all))
	for _, set := range []string{"guarded4", "open4", "guarded6", "open6"} {
		if n := count(set); n > 0 {
			t.Errorf("let go: %s has %d elements", set, n)
		}
	}
}

// A link-local address is often the same on many interfaces.
func TestAddressOfTwoRoutersStaysOpenForTheOther(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	one, two := Opening{"web", local6, time.Minute}, Opening{"mail", local6, time.Minute}
	open := func() bool {
		return strings.Contains(inSet(t, h, "inet", gateName, "open6"), local6.String())
	}
	guarded := func() bool {
		return strings.Contains(inSet(t, h, "inet", gateName, "guarded6"), local6.String())
	}
	must(t, gate.Open([]Opening{one, two}))
	must(t, gate.Shut([]Opening{one}))
	must(t, gate.LetGo([]Opening{one}))
	if !open() || !guarded() {
		t.Errorf("one was let go: open %t, guarded %t", open(), guarded())
	}
	short := two
	short.TTL = time.Second
	one.TTL = time.Hour
	must(t, gate.Open([]Opening{one}))
	if late, err := gate.Renew([]Opening{short}); len(late) > 0 || err != nil {
		t.Errorf("late %v, %v", late, err)
	}
	if list := inSet(t, h, "inet", gateName, "open6"); !strings.Contains(list, "m") || !strings.Contains(list, "expires 59m") {
		t.Errorf("the shorter time won:\n%s", list)
	}
	must(t, gate.Shut([]Opening{one, two}))
	if open() || !guarded() {
		t.Errorf("both are shut: open %t, guarded %t", open(), guarded())
	}
	must(t, gate.LetGo([]Opening{one}))
	if !guarded() {
		t.Error("one is still there, but nothing is guarded")
	}
	must(t, gate.LetGo([]Opening{two}))
	if guarded() {
		t.Error("guarded, though both were let go")
	}
}

func TestGateSaysWhyThereIsNone(t *testing.T) {
	h := lonely(t)
	h.Do(func() {
		without(t, unix.CAP_NET_ADMIN, func() {
			_, err := OpenGate()
			var unsupported *GateUnsupported
			var missing *MissingCapability
			if !errors.As(err, &unsupported) || !errors.As(err, &missing) {
				t.Errorf("%v", err)
			}
		})
		gate, err := OpenGate() // nothing was left of the first
		must(t, err)
		if gate.table != gateName {
			t.Errorf("the gate is %s", gate.table)
		}
		must(t, gate.Close())
	})
}

// Without an IPv6 address, nft(8) of Debian 12 reads again what it lists. Whoever loads
// an old list makes nobody late.
func TestListedGateCanBeLoaded(t *testing.T) {
	h := lonely(t)
	gate := openGate(t, h)
	openings := []Opening{{"web", virtual, time.Minute}}
	must(t, gate.Open(openings))
	list := h.Run("nft", "list", "ruleset")
	for i, list := range []string{list, regexp.MustCompile("expires [0-9ms]+").ReplaceAllString(list, "expires 1ms")} {
		h.Rules("flush ruleset\n" + list)
		time.Sleep(50 * time.Millisecond)
		if late, err := gate.Renew(openings); len(late) > 0 || err != nil {
			t.Errorf("late %v, %v", late, err)
		}
		if n := gate.Mended(); n != i {
			t.Errorf("mended %d times, want %d", n, i)
		}
	}
}

func BenchmarkRenewal(b *testing.B) {
	for _, n := range []int{1, 4, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			netlab.New(b).Host("a").Do(func() {
				gate, err := OpenGate()
				if err != nil {
					b.Fatal(err)
				}
				defer gate.Close()
				four := slices.DeleteFunc(many(n, time.Minute), func(o Opening) bool { return o.Addr.Is6() })
				if err := gate.Open(four); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if late, err := gate.Renew(four); len(late) > 0 || err != nil {
						b.Fatal(late, err)
					}
				}
			})
		})
	}
}

func BenchmarkOpening(b *testing.B) {
	netlab.New(b).Host("a").Do(func() {
		gate, err := OpenGate()
		if err != nil {
			b.Fatal(err)
		}
		defer gate.Close()
		one := []Opening{{"web", virtual, time.Minute}}
		for b.Loop() {
			if err := errors.Join(gate.Open(one), gate.Shut(one), gate.LetGo(one)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
