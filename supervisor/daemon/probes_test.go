package daemon_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// looks counts the requests of each probe, by its path.
type looks struct {
	mu sync.Mutex
	of map[string]int
}

func (l *looks) count(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of[path]++
}

// atLeast counts the paths that were asked for so often.
func (l *looks) atLeast(times int) (paths int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.of {
		if n >= times {
			paths++
		}
	}
	return paths
}

// serveLooks answers below /good and never below /hung, on the loopback of a host.
func serveLooks(t *testing.T, h *netlab.Host) (address string, l *looks) {
	t.Helper()
	l = &looks{of: map[string]int{}}
	var at net.Listener
	h.Do(func() {
		var err error
		if at, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	})
	var serving sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		l.count(r.URL.Path)
		if strings.HasPrefix(r.URL.Path, "/hung") {
			<-r.Context().Done()
		}
	})}
	serving.Go(func() { _ = server.Serve(at) })
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	return at.Addr().String(), l
}

// A probe that fails adds nothing to the priority: none of them moves the address.
const (
	eachKind  = 100
	lookTimes = 4
)

func manyProbes(address string) string {
	var b strings.Builder
	b.WriteString("probes:\n")
	for i := range eachKind {
		for _, kind := range []string{
			fmt.Sprintf("http: 'http://%s/good%d'", address, i),
			fmt.Sprintf("http: 'http://%s/hung%d'", address, i),
			"tcp: '127.0.0.1:1'",
			"exec: [/bin/sleep, '1000']",
			"file: /nonexistent",
		} {
			name, _, _ := strings.Cut(kind, ":")
			if strings.Contains(kind, "hung") {
				name = "hung"
			}
			fmt.Fprintf(&b, "  - {name: %s%d, %s, interval: 1s, timeout: 700ms, rise: 1, fall: %d, weight: 1}\n", name, i, kind, lookTimes)
		}
	}
	return b.String()
}

func TestManyProbesDelayNoAdvert(t *testing.T) {
	lab := netlab.New(t)
	ha, hb := lab.Host("lb01", "10.0.0.1/24"), lab.Host("lb02", "10.0.0.2/24")
	address, asked := serveLooks(t, ha)
	conf := pair + "    advert_interval: 100ms\n"
	a := start(t, ha, "lb01", manyProbes(address)+conf)
	a.is("ACTIVE")
	b := start(t, hb, "lb02", conf)
	b.is("BACKUP")
	wire := lab.Capture()

	var children, threads int
	a.until("every probe was looked at often enough", func() bool {
		children, threads = max(children, len(childrenOf(strconv.Itoa(a.cmd.Process.Pid)))), max(threads, a.threads())
		s, err := a.status()
		states := map[string]int{}
		for _, p := range s.Probes {
			states[p.State]++
		}
		return err == nil && states["good"] == eachKind && states["failed"] == 4*eachKind && asked.atLeast(lookTimes) == 2*eachKind
	})
	time.Sleep(5 * time.Second)
	t.Logf("adverts: %s; at most %d programs and %d threads at once", gaps(wire.Frames(nil)), children, threads)
	if x, y := a.said("[MASTER]"), b.said("[MASTER]"); x != 1 || y != 0 {
		t.Errorf("the Active became Active %d times and the Backup %d, want only the Active at the start", x, y)
	}
	if children > eachKind {
		t.Errorf("%d programs at once for %d probes that run one", children, eachKind)
	}
	if threads > 5*eachKind {
		t.Errorf("%d threads for %d probes", threads, 5*eachKind)
	}
	for _, trouble := range []string{"too busy", "send-failed", "not looked at for"} {
		if a.said(trouble) > 0 {
			t.Errorf("%q is in the log", trouble)
		}
	}
}

func (n *node) threads() int {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", n.cmd.Process.Pid))
	return len(tasks)
}

// gaps tells how far the adverts of the pair's router were apart on the wire.
func gaps(frames []netlab.Frame) string {
	var list []time.Duration
	var last time.Time
	for _, f := range frames {
		if f.IsIPv4(112) {
			if !last.IsZero() {
				list = append(list, f.At.Sub(last).Round(time.Millisecond/10))
			}
			last = f.At
		}
	}
	if len(list) == 0 {
		return "none"
	}
	slices.Sort(list)
	return fmt.Sprintf("%d gaps, median %s, p99 %s, worst %s", len(list), list[len(list)/2], list[len(list)*99/100], list[len(list)-1])
}
