package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// book is a log that can be read.
type book struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *book) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSpace(b.buf.String()), "\n")
}

func newBook() (*book, *slog.Logger) {
	b := &book{}
	return b, slog.New(slog.NewTextHandler(b, nil))
}

// --- mailbox

func newTestMailbox(t *testing.T) *mailbox {
	t.Helper()
	m, err := newMailbox()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readable(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, _ := unix.Poll(fds, 0)
	return n > 0
}

func TestLettersComeInTheirOrderAndWakeThePoll(t *testing.T) {
	m := newTestMailbox(t)
	if readable(m.fd) {
		t.Error("an empty mailbox is readable")
	}
	m.tell(supervisor.Start{})
	m.tell(supervisor.Stop{})
	if !readable(m.fd) {
		t.Error("a letter does not wake the poll")
	}
	got := m.take()
	if len(got) != 2 || !reflect.DeepEqual(got[0].event, supervisor.Start{}) || got[1].event != (supervisor.Stop{}) {
		t.Errorf("took %v", got)
	}
	if readable(m.fd) || len(m.take()) != 0 {
		t.Error("something is left")
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
}

func TestNoLetterIsLostBetweenManySenders(t *testing.T) {
	m := newTestMailbox(t)
	const senders, each = 8, 500
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range each {
				m.tell(supervisor.Tick{})
			}
		})
	}
	got := 0
	for deadline := time.Now().Add(time.Minute); got < senders*each && time.Now().Before(deadline); {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLIN}}, 100)
		got += len(m.take())
	}
	wg.Wait()
	if got != senders*each {
		t.Errorf("%d of %d letters", got, senders*each)
	}
	_ = m.close()
}

func TestAQuestionIsAnsweredOrTheEndIsTold(t *testing.T) {
	m := newTestMailbox(t)
	go func() {
		for {
			letters := m.take()
			for _, l := range letters {
				l.ask()
			}
			if len(letters) > 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	asked := false
	if !m.ask(func() { asked = true }) || !asked {
		t.Error("not answered")
	}
	waiting := make(chan bool)
	go func() { waiting <- m.ask(func() { t.Error("nobody reads any more") }) }()
	for !readable(m.fd) {
		time.Sleep(time.Millisecond)
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
	if <-waiting {
		t.Error("answered after the end")
	}
	m.tell(supervisor.Tick{}) // is dropped
	if m.ask(func() {}) {
		t.Error("answered after the end")
	}
}

// --- keeper

// newKernel is what puts addresses into a namespace that has eth0.
func newKernel(t *testing.T) (*netlab.Host, *vrrpnet.Addresses, int) {
	t.Helper()
	h := netlab.New(t).Host("a", "10.0.0.1/24")
	var kernel *vrrpnet.Addresses
	h.Do(func() {
		var err error
		if kernel, err = vrrpnet.OpenAddresses(); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { _ = kernel.Close() })
	return h, kernel, h.Cable("eth0").Index
}

func heldAt(index int, addrs ...string) []vrrpnet.Held {
	var held []vrrpnet.Held
	for _, a := range addrs {
		held = append(held, vrrpnet.Held{Link: index, Prefix: netip.MustParsePrefix(a), Lifetime: 30 * time.Second})
	}
	return held
}

func has(t *testing.T, kernel *vrrpnet.Addresses, index int, addr string) bool {
	t.Helper()
	list, err := kernel.List(index)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(f vrrpnet.Found) bool { return f.Prefix.Addr().String() == addr })
}

// told collects what a keeper tells.
type told struct {
	mu  sync.Mutex
	evs []string
}

func (x *told) tell(evs ...supervisor.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, ev := range evs {
		x.evs = append(x.evs, ev.String())
	}
}

func (x *told) all() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.evs)
}

// idleKeeper takes orders but does not carry them out.
func idleKeeper(kernel *vrrpnet.Addresses, tell func(...supervisor.Event), log *slog.Logger) *keeper {
	k := &keeper{kernel: kernel, gates: &gatekeeper{}, tell: tell, log: log, wake: make(chan struct{}, 1)}
	k.idle = sync.NewCond(&k.mu)
	return k
}

var later = epoch.Add(time.Duration(1<<62 - 1))

func TestALaterOrderForARouterTakesThePlaceOfAnEarlierOne(t *testing.T) {
	x, y := heldAt(1, "10.0.0.3/24"), heldAt(1, "10.0.0.4/24")
	mac := func(name string, do deed) order {
		return order{router: "a", held: x, macvlan: &vrrpnet.MACVLAN{Name: name}, do: do}
	}
	for name, c := range map[string]struct {
		orders []order
		want   string
	}{
		"remove after put":                                 {[]order{{router: "a", held: x, do: put}, {router: "a", held: x, do: remove}}, "a/2"},
		"put after remove":                                 {[]order{{router: "a", held: x, do: remove}, {router: "a", held: x, do: put}}, "a/0"},
		"refresh after put still answers":                  {[]order{{router: "a", held: x, do: put}, {router: "a", held: x, do: refresh}}, "a/0"},
		"refresh after refresh":                            {[]order{{router: "a", held: x, do: refresh}, {router: "a", held: x, do: refresh}}, "a/1"},
		"remove after refresh":                             {[]order{{router: "a", held: x, do: refresh}, {router: "a", held: x, do: remove}}, "a/2"},
		"another router's stays":                           {[]order{{router: "a", held: x, do: put}, {router: "b", held: y, do: put}, {router: "a", held: x, do: remove}}, "b/0 a/2"},
		"what it held before a reload goes":                {[]order{{router: "a", held: x, do: remove}, {router: "a", held: y, do: put}}, "a/2 a/0"},
		"and the refresh joins the later one":              {[]order{{router: "a", held: x, do: remove}, {router: "a", held: y, do: put}, {router: "a", held: y, do: refresh}}, "a/2 a/0"},
		"a macvlan that is dismissed is no more than that": {[]order{mac("m", dismiss), mac("m", remove)}, "a/5"},
		"it is made again after the dismissal":             {[]order{mac("m", dismiss), mac("m", prepare)}, "a/5 a/3"},
		"and after a removal":                              {[]order{mac("m", remove), mac("m", prepare)}, "a/2 a/3"},
		"a removal leaves it prepared":                     {[]order{mac("m", prepare), mac("m", remove)}, "a/3 a/2"},
		"a dismissal does not":                             {[]order{mac("m", prepare), mac("m", dismiss)}, "a/5"},
		"a put makes it anyhow":                            {[]order{mac("m", prepare), mac("m", put)}, "a/0"},
		"prepared is less than put":                        {[]order{mac("m", put), mac("m", prepare)}, "a/0"},
		"another one of a reload is made":                  {[]order{mac("m", remove), mac("m", dismiss), mac("n", prepare)}, "a/5 a/3"},
		"a reload's put leaves the dismissal":              {[]order{mac("m", dismiss), mac("n", prepare), mac("n", put)}, "a/5 a/0"},
		"more addresses take over fewer's end":             {[]order{{router: "a", held: x, do: remove}, {router: "a", held: append(slices.Clone(x), y...), do: put}}, "a/0"},
	} {
		t.Run(name, func(t *testing.T) {
			k := idleKeeper(nil, nil, nil)
			for _, o := range c.orders {
				k.order(o)
			}
			var got []string
			for _, o := range k.orders {
				got = append(got, fmt.Sprintf("%s/%d", o.router, o.do))
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("to do: %s, want %s", s, c.want)
			}
		})
	}
}

func TestTheKeeperPutsRenewsAndRemoves(t *testing.T) {
	_, kernel, index := newKernel(t)
	var said told
	_, log := newBook()
	k := newKeeper(kernel, nil, &gatekeeper{}, said.tell, log)
	held := heldAt(index, "10.0.0.3/24")
	k.order(order{router: "web", held: held, do: put, expiry: later})
	for len(said.all()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if !has(t, kernel, index, "10.0.0.3") {
		t.Error("owned, but not there")
	}
	k.order(order{router: "web", held: held, do: refresh, expiry: later})
	k.order(order{router: "web", held: held, do: remove})
	k.close() // carries out what is ordered
	if has(t, kernel, index, "10.0.0.3") {
		t.Error("closed, and the address is still there")
	}
	if got := said.all(); !slices.Equal(got, []string{"web owned"}) {
		t.Errorf("it told %q", got)
	}
}

// After a pause the order is from a time when nobody else could hold the address.
func TestAnExpiredOrderIsRefused(t *testing.T) {
	_, kernel, index := newKernel(t)
	var said told
	_, log := newBook()
	k := idleKeeper(kernel, said.tell, log)
	for i, do := range []deed{put, refresh} {
		k.carryOut([]order{{router: fmt.Sprint(i), held: heldAt(index, "10.0.0.3/24"), do: do, expiry: now().Add(-time.Millisecond)}})
	}
	if has(t, kernel, index, "10.0.0.3") {
		t.Error("put all the same")
	}
	if got := strings.Join(said.all(), "\n"); strings.Count(got, "own failed: the kernel was too busy") != 2 {
		t.Errorf("it told %q", got)
	}
	if err := kernel.Put(heldAt(index, "10.0.0.3/24")); err != nil {
		t.Fatal(err)
	}
	k.carryOut([]order{{router: "a", held: heldAt(index, "10.0.0.3/24"), do: remove, expiry: now().Add(-time.Hour)}})
	if has(t, kernel, index, "10.0.0.3") {
		t.Error("a removal is never too late")
	}
}

func TestAnAddressThatMovesBetweenRoutersStays(t *testing.T) {
	_, kernel, index := newKernel(t)
	var said told
	_, log := newBook()
	k := idleKeeper(kernel, said.tell, log)
	held := heldAt(index, "10.0.0.3/24")
	if err := kernel.Put(held); err != nil {
		t.Fatal(err)
	}
	k.carryOut([]order{{router: "new", held: held, do: put, expiry: later}, {router: "old", held: held, do: remove}})
	if !has(t, kernel, index, "10.0.0.3") {
		t.Error("the old router's removal took what the new one had put")
	}
}

func TestARefusedOrderIsTold(t *testing.T) {
	_, kernel, index := newKernel(t)
	var said told
	b, log := newBook()
	k := idleKeeper(kernel, said.tell, log)
	gone := heldAt(index+1000, "10.0.0.3/24")
	k.carryOut([]order{{router: "a", held: gone, do: put, expiry: later}, {router: "b", held: gone, do: refresh, expiry: later}})
	got := said.all()
	if len(got) != 2 || !strings.HasPrefix(got[0], "a own failed: putting 10.0.0.3/24") || !strings.HasPrefix(got[1], "b own failed: ") {
		t.Errorf("it told %q", got)
	}
	if err := kernel.Close(); err != nil { // now the kernel does not answer at all
		t.Fatal(err)
	}
	k.carryOut([]order{{router: "a", held: heldAt(index, "10.0.0.3/24"), do: remove}})
	if lines := b.lines(); len(lines) != 1 || !strings.Contains(lines[0], "the addresses stay until their lifetime ends") {
		t.Errorf("the log says %q", lines)
	}
}

// --- journal

func TestWhatARouterRepeatsIsWrittenOnceAMinute(t *testing.T) {
	b, log := newBook()
	j := newJournal(log)
	note := supervisor.Note{Router: "web", Reason: vrrp.ReasonLowerAdvert, Detail: "10.0.0.6 is Active too"}
	for range 100 {
		j.note(note)
	}
	if lines := b.lines(); len(lines) != 1 || !strings.Contains(lines[0], "10.0.0.6 is Active too (lower-advert)") {
		t.Errorf("the log says %q", lines)
	}
	j.limit.renew("") // a minute later
	j.note(note)
	if lines := b.lines(); len(lines) != 2 || !strings.Contains(lines[1], "and 99 times more since") {
		t.Errorf("the log says %q", lines)
	}
}

func TestATransitionIsAlwaysWrittenAndMakesNotesNewsAgain(t *testing.T) {
	b, log := newBook()
	j := newJournal(log)
	node := supervisor.NewNode(supervisor.Config{})
	note := supervisor.Note{Router: "web", Reason: vrrp.ReasonLowerAdvert, Detail: "x"}
	for range 3 {
		j.note(note)
		j.note(supervisor.Note{Router: "webmail", Reason: vrrp.ReasonLowerAdvert, Detail: "x"})
		j.transition(supervisor.Router{Name: "web"}, node, vrrp.Enter{From: vrrp.Backup, To: vrrp.Active, Reason: vrrp.ReasonPeerSilent})
	}
	text := strings.Join(b.lines(), "\n")
	for what, want := range map[string]int{"web: x (lower-advert)": 3, "webmail: x (lower-advert)": 1, "web: BACKUP -> ACTIVE (peer-silent) [MASTER]": 3} {
		if n := strings.Count(text, `"`+what); n != want {
			t.Errorf("%q is written %d times, want %d:\n%s", what, n, want, text)
		}
	}
}

func TestWhatTheNodeNotesIsAlwaysWritten(t *testing.T) {
	b, log := newBook()
	j := newJournal(log)
	for range 3 {
		j.note(supervisor.Note{Reason: supervisor.ReasonProxyFailed, Detail: "nginx.service: it is failed"})
	}
	if n := len(b.lines()); n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}

func TestInventedSourcesFillNeitherTheMemoryNorTheLog(t *testing.T) {
	b, log := newBook()
	j := newJournal(log)
	c := newCounters()
	for i := range 100_000 {
		from := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		j.limited(from.String(), "advert-refused", from.String())
		c.refuse(vrrp.RefusalChecksum, from)
	}
	if len(j.limit.last) > maxKeys || len(b.lines()) > maxKeys || len(c.refused) > maxSources+1 {
		t.Errorf("%d keys, %d lines, %d counters", len(j.limit.last), len(b.lines()), len(c.refused))
	}
	total := uint64(0)
	for _, n := range c.refused {
		total += n
	}
	if total != 100_000 {
		t.Errorf("%d counted", total)
	}
}

// --- control socket

func TestTheSocketOfADeadDaemonIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	c, err := newControl(path, &Daemon{})
	if err != nil {
		t.Fatalf("the socket of a dead daemon: %v", err)
	}
	defer c.close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v: want 0660", info.Mode(), err)
	}
	if _, err := newControl(path, &Daemon{}); !errors.Is(err, errRunning) {
		t.Errorf("the socket of a living one: %v", err)
	}
	if _, err := net.Dial("unix", path); err != nil {
		t.Errorf("the living one's socket was harmed: %v", err)
	}
}

func TestOnlyASocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nginx.conf")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newControl(path, &Daemon{}); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("in the place of a file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// A daemon that hangs has its socket open, and accepts nobody.
func TestTheSocketOfAHangingDaemonIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 { // fills its backlog
		if _, err := newControl(path, &Daemon{}); err == nil {
			t.Fatalf("round %d: it was replaced", i)
		}
		conn, err := net.DialTimeout("unix", path, 100*time.Millisecond)
		if err == nil {
			defer conn.Close()
		}
	}
}

// --- levels

// The kernel is asked, an address is put, and then the answer comes.
func TestAnAnswerFromBeforeAnAddressWasPutDoesNotMissIt(t *testing.T) {
	prefix := netip.MustParsePrefix("10.0.0.3/24")
	r := newServed(supervisor.Router{Name: "web", Interface: "eth0", Addresses: []supervisor.Address{{Prefix: prefix}}})
	l := &loop{routers: map[string]*served{"web": r}}
	asked := time.Now()
	r.owned = asked.Add(time.Millisecond)
	for _, c := range []struct {
		name  string
		link  string
		asked time.Time
		want  bool
	}{
		{"asked before", "eth0", asked, true},
		{"asked after", "eth0", asked.Add(time.Second), false},
		{"another interface", "eth1", asked, false},
	} {
		have := l.withPut(&vrrpnet.Interface{Link: vrrpnet.Link{Name: c.link}, Asked: c.asked}, nil)
		if slices.Contains(have, prefix) != c.want {
			t.Errorf("%s: %v", c.name, have)
		}
	}
	r.owned = time.Time{}
	if have := l.withPut(&vrrpnet.Interface{Link: vrrpnet.Link{Name: "eth0"}, Asked: asked}, nil); len(have) > 0 {
		t.Errorf("never put, and yet there: %v", have)
	}
}

// --- difference

func TestTheDifferenceIsSaidInWords(t *testing.T) {
	r := func(name string, vrid uint8) supervisor.Router {
		return supervisor.Router{Name: name, VRRP: vrrp.Config{VRID: vrid}}
	}
	old := Source{Config: supervisor.Config{Routers: []supervisor.Router{r("a", 1), r("b", 2), r("c", 3)}}}
	cfg := Source{Config: supervisor.Config{Proxy: supervisor.Proxy{Unit: "x.service"}, Routers: []supervisor.Router{r("a", 1), r("b", 4), r("d", 3)}}}
	want := []string{"proxy changed", "virtual router b changed", "virtual router d is new", "virtual router c is gone"}
	if got := difference(old, cfg); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := difference(cfg, cfg); len(got) != 0 {
		t.Errorf("nothing changed: %q", got)
	}
}

func TestTheDifferenceNamesVirtualServersNotTheirServices(t *testing.T) {
	source := func(quorum int, names ...string) Source {
		var b supervisor.Balance
		for _, name := range names {
			for _, mark := range []uint32{1, 2} {
				b.Services = append(b.Services, supervisor.VirtualServer{Name: name, Pool: ipvs.Config{Key: ipvs.Key{Mark: mark}, Quorum: quorum}})
			}
		}
		return Source{Config: supervisor.Config{Balance: b}}
	}
	want := []string{"virtual server web changed", "virtual server dns is new", "virtual server mail is gone"}
	if got := difference(source(1, "web", "mail"), source(2, "web", "dns")); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTheDifferenceNamesEachValue(t *testing.T) {
	source := func(vrid uint8, settings ...Setting) Source {
		return Source{
			Config:   supervisor.Config{Routers: []supervisor.Router{{Name: "web", VRRP: vrrp.Config{VRID: vrid}}, {Name: "b", VRRP: vrrp.Config{VRID: vrid}}}},
			Settings: func() []Setting { return settings },
		}
	}
	old := source(1, Setting{"virtual_routers[web].vrid", "1"}, Setting{"virtual_routers[web].auth.password", "********"}, Setting{"proxy.look", "1s"})
	cfg := source(2, Setting{"virtual_routers[web].vrid", "2"}, Setting{"virtual_routers[web].auth.password", "********"}, Setting{"proxy.rise", "3"})
	want := []string{"virtual router b: a password or key changed", "virtual_routers[web].vrid: 1 -> 2", "proxy.rise: 3 is new", "proxy.look: 1s is gone"}
	if got := difference(old, cfg); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
