//go:build browser

// Package page looks at the status page with a real browser: make page.
package page

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const soon = 60 * time.Second

const conf = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.0.0.3/24, 10.0.0.4/24]
    preempt_delay: 0
probes:
  - {name: backend, tcp: "10.0.0.254:80", on_fail: {penalty: 10}}
`

const (
	hostile = `  - {name: "<script>alert(1)</script>", http: "http://127.0.0.1:81/", on_fail: {penalty: 5}, interval: 1s}
`
	anywhere = "page: {listen: \":9166\"}\n"
)

// site is a pair, and somebody beside it.
type site struct {
	nodes  [2]*exec.Cmd
	client *netlab.Host
}

func build(t *testing.T, more string) *site {
	t.Helper()
	binary := os.Getenv("PAIRKEEPER_BINARY")
	if binary == "" {
		t.Fatal("PAIRKEEPER_BINARY: name the program (make page)")
	}
	dir, err := os.MkdirTemp("", "pk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file, key := filepath.Join(dir, "pairkeeper.yaml"), filepath.Join(dir, "pair.key")
	all := conf + more + "heartbeat:\n  key_file: " + key + "\n  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]\n"
	for path, text := range map[string]string{file: all, key: "hex:" + strings.Repeat("5a", 32) + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lab := netlab.New(t)
	gw := lab.Host("gw", "10.0.0.254/24")
	gw.Do(func() {
		l, err := net.Listen("tcp", ":80") // the kernel connects, nobody has to accept
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
	})
	s := &site{client: lab.Host("client", "10.0.0.9/24")}
	for i, name := range []string{"lb01", "lb02"} {
		h := lab.Host(name, fmt.Sprintf("10.0.0.%d/24", i+1))
		h.Run("ip", "route", "add", "default", "via", "10.0.0.254")
		s.nodes[i] = exec.Command(binary, "run", "-c", file, "--node", name, "--socket", filepath.Join(dir, name, "sock"))
		h.Start(s.nodes[i])
	}
	return s
}

// keep writes a picture where PAIRKEEPER_PICTURES says.
func keep(t *testing.T, name string, png []byte) {
	t.Helper()
	if dir := os.Getenv("PAIRKEEPER_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *browser) shows(words string) {
	b.Helper()
	for end := time.Now().Add(soon); !strings.Contains(eval[string](b, "document.body.innerText"), words); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("not within %s: %s:\n%s", soon, words, eval[string](b, "document.body.innerText"))
		}
	}
}

func (b *browser) open(url string) {
	b.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(200 * time.Millisecond) {
		var r struct{ ErrorText string }
		b.call("Page.navigate", map[string]any{"url": url}, &r)
		if r.ErrorText == "" {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s: %s", url, r.ErrorText)
		}
	}
}

// pictures takes one in each look, and tells whether everything has room.
func (b *browser) pictures(name string) {
	b.Helper()
	for _, look := range []struct {
		name          string
		width, height int
		scheme        string
	}{{"desktop-light", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone-light", 360, 800, "light"}, {"phone-dark", 360, 800, "dark"}} {
		b.looks(look.width, look.height, look.scheme)
		wide := eval[string](b, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80)).join("\n")`)
		if wide != "" || eval[int](b, "document.documentElement.scrollWidth") > look.width {
			b.Errorf("%s, %s: wider than the window:\n%s", name, look.name, wide)
		}
		keep(b.T, name+"-"+look.name, b.shoot())
	}
}

func TestAFailoverInABrowser(t *testing.T) {
	s := build(t, hostile+anywhere)
	b := browse(t, s.client)
	b.looks(1280, 900, "light")
	b.open("http://10.0.0.2:9166/")
	b.shows("held by lb01 for ")
	b.shows("refused")
	b.pictures("before")
	eval[bool](b, "window.same = document.querySelector('h1'), true")

	_ = s.nodes[0].Process.Kill()
	b.shows("held by lb02 for ")
	b.shows("silent for ")
	if !eval[bool](b, "window.same === document.querySelector('h1')") {
		t.Error("the page was loaded again instead of brought up to date")
	}
	b.pictures("after")
	if eval[int](b, "document.querySelectorAll('script').length") != 1 || !strings.Contains(eval[string](b, "document.body.innerText"), "<script>alert(1)</script>") {
		t.Error("a name is taken for a script")
	}
	if list := b.complaints(); len(list) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(list, "\n"))
	}

	_ = s.nodes[1].Process.Kill()
	b.shows("No answer any more")
	b.looks(1280, 900, "light")
	keep(t, "gone", b.shoot())
}

func TestThePageWithoutScripts(t *testing.T) {
	s := build(t, hostile+anywhere)
	b := browse(t, s.client)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.looks(360, 800, "dark")
	b.open("http://10.0.0.2:9166/")
	b.shows("held by lb01 for ")
	keep(t, "no-scripts", b.shoot())
}

// TestWhatThePageCosts tells how long it takes to be there in full, and the memory of the daemon
// without a page, with one that nobody reads, and with one that is read.
func TestWhatThePageCosts(t *testing.T) {
	s := build(t, "page: {listen: {lb01: \"10.0.0.1:9166\", lb02: \"10.0.0.2:9166\"}}\n")
	off := build(t, "")
	b := browse(t, s.client)
	b.open("http://10.0.0.2:9166/")
	b.shows("held by lb01 for ")
	var loads []float64
	for range 20 {
		b.open("http://10.0.0.2:9166/")
		b.shows("held by lb01 for ")
		loads = append(loads, eval[float64](b, "performance.getEntriesByType('navigation')[0].loadEventEnd"))
	}
	before := []int{rss(t, off.nodes[1]), rss(t, s.nodes[0]), rss(t, s.nodes[1])}
	slices.Sort(loads)
	load, _ := os.ReadFile("/proc/loadavg")
	size := eval[int](b, "performance.getEntriesByType('navigation')[0].transferSize")
	t.Logf("loaded and drawn, N=%d: median %.0f ms, longest %.0f ms; %d bytes; load %s", len(loads), loads[len(loads)/2], loads[len(loads)-1], size, load)
	_ = s.nodes[0].Process.Kill()
	b.looks(1040, 800, "light")
	b.shows("held by lb02 for 1.")
	keep(t, "failover", b.shoot())
	t.Logf("memory: page off %d kB, on and unread %d kB, on and read %d kB", before[0], before[1], before[2])
}

// rss is the resident memory of a process, in kB.
func rss(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
