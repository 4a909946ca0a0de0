package hosts

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/handbook"
	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// guideSite is a proxy before its owner has read the guide: it answers with the host's name. What
// the guide adds to it goes where the mark is.
type guideSite struct{ lang, file, unit, text string }

const siteMark = "# here\n"

var guideSites = map[string]guideSite{
	"An nginx pair": {"nginx", "/etc/nginx/nginx.conf", "nginx.service", `user www-data;
events {}
http {
	access_log off;
	default_type text/plain;
	server {
		listen 80;
		location / { return 200 "%s\n"; }
` + siteMark + `
	}
}
`},
	"An HAProxy pair": {"haproxy", "/etc/haproxy/haproxy.cfg", "haproxy.service", `global
	log /dev/log local0
defaults
	mode http
	timeout client 5s
	timeout connect 1s
	timeout server 5s
frontend site
	bind :80
` + siteMark + `	http-request return status 200 content-type text/plain string "%s\n"
`},
}

// guide follows docs/quick-start.md on two hosts with the addresses that it names.
type guide struct {
	*testing.T
	site   guideSite
	hosts  []*hostlab.Host
	client *hostlab.Client
}

func TestTheQuickStartDoesWhatItSays(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy", "curl", "ip")
	blocks, err := handbook.Blocks("../../docs/quick-start.md")
	if err != nil {
		t.Fatal(err)
	}
	for section := range guideSites {
		t.Run(section, func(t *testing.T) {
			g := newGuide(t, section)
			run := 0
			for i, b := range blocks {
				if b.Section != section {
					continue
				}
				var want []string
				if i+1 < len(blocks) && blocks[i+1].Lang == "text" {
					want = blocks[i+1].Lines
				}
				run += g.follow(b, want)
			}
			if run < 15 {
				t.Errorf("only %d commands were run", run)
			}
			if got := g.client.Hosts(); !slices.Contains(got, "lb01") || !slices.Contains(got, "lb02") || g.client.Who() != "lb01" {
				t.Errorf("the client was answered by %v, at last by %s", got, g.client.Who())
			}
			t.Logf("%d commands; client: %v", run, g.client.Outage())
		})
	}
}

// newGuide boots the hosts, gives them the addresses of the guide and the proxy, and installs
// pairkeeper.
func newGuide(t *testing.T, section string) *guide {
	t.Helper()
	lab := hostlab.New(t, "lb01", "lb02")
	g := &guide{T: t, site: guideSites[section], hosts: lab.Hosts()}
	if out, err := exec.Command("ip", "address", "add", "10.0.0.9/24", "dev", "br0").CombinedOutput(); err != nil {
		t.Fatalf("the client's address: %v: %s", err, out)
	}
	p := &pair{t: t}
	for i, h := range g.hosts {
		h.Run(t, "ip", "address", "add", fmt.Sprintf("10.0.0.%d/24", 5+i), "dev", "eth0")
		h.Run(t, "ip", "address", "add", fmt.Sprintf("192.168.9.%d/24", 1+i), "dev", "eth1")
		if g.site.lang == "haproxy" {
			h.UseHAProxy(t)
		}
		h.Write(t, g.site.file, fmt.Sprintf(g.site.text, h.Name()), 0o644)
		h.Run(t, "systemctl", "reload-or-restart", g.site.unit)
		p.installProgram(h)
	}
	g.client = lab.Client("10.0.0.3", 10*time.Millisecond)
	return g
}

// follow does what a block says, and says how many commands that was. What it is to print
// follows it in the guide.
func (g *guide) follow(b handbook.Block, want []string) int {
	g.Helper()
	switch b.Lang {
	case g.site.lang:
		for _, h := range g.hosts {
			text := strings.Replace(fmt.Sprintf(g.site.text, h.Name()), siteMark, b.Text(), 1)
			h.Write(g.T, g.site.file, text, 0o644)
		}
	case "yaml":
		for _, h := range g.hosts {
			h.Write(g.T, b.Head(), b.Text(), 0o644)
		}
	case "sh":
		return g.run(b, want)
	case "text":
	default:
		g.Errorf("%s:%d: what is a block of %q?", b.Page, b.Line, b.Lang)
	}
	return 0
}

// run types the commands of a block on its hosts.
func (g *guide) run(b handbook.Block, want []string) int {
	g.Helper()
	hosts := g.hosts
	switch head := b.Head(); head {
	case "on both":
	case "on lb01":
		hosts = hosts[:1]
	case "on lb02":
		hosts = hosts[1:]
	default:
		g.Fatalf("%s:%d: where is it to be typed? It begins with %q", b.Page, b.Line, head)
	}
	var printed strings.Builder
	last := b.Lines[len(b.Lines)-1]
	for _, h := range hosts {
		for _, line := range b.Lines[1:] {
			if line != last || len(want) == 0 {
				printed.WriteString(g.enter(h, line) + "\n")
			}
		}
	}
	if len(want) == 0 {
		return len(b.Lines) - 1
	}
	end := time.Now().Add(soon)
	for {
		now := printed.String()
		for _, h := range hosts {
			now += g.enter(h, last) + "\n"
		}
		missing := lacks(now, want)
		if missing == "" {
			g.Logf("%s\n%s", b.Text(), now)
			return len(b.Lines) - 1
		}
		if !looks.MatchString(last) || time.Now().After(end) {
			g.Fatalf("%s:%d: %s: no line like %q in\n%s", b.Page, b.Line, last, missing, now)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// looks are commands that change nothing, and may be typed until what is wanted is there.
var looks = regexp.MustCompile(`^(pairkeeper (status|explain|history)|journalctl|curl)\b`)

var copied = regexp.MustCompile(`^scp (\S+) (lb0[12]):(\S+)$`)

// enter types a command; there is no ssh in the lab.
func (g *guide) enter(h *hostlab.Host, line string) string {
	g.Helper()
	if m := copied.FindStringSubmatch(line); m != nil {
		i := slices.IndexFunc(g.hosts, func(h *hostlab.Host) bool { return h.Name() == m[2] })
		g.hosts[i].Write(g.T, m[3], h.Run(g.T, "cat", m[1])+"\n", 0o600)
		return ""
	}
	if looks.MatchString(line) { // may fail until the daemon is there
		out, _ := h.Try("sh", "-c", line+" 2>&1")
		return out
	}
	return h.Run(g.T, "sh", "-c", line)
}

// What is another one each time: times, and how long something took.
var (
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+`)
	took   = regexp.MustCompile(`\b(\d+(\.\d+)?(µs|ms|s|m|h))+\b`)
	number = regexp.MustCompile(`\b(pid|process) \d+|\b\d+#\d+`)
	blanks = regexp.MustCompile(` +`)
)

func alike(line string) string {
	line = moment.ReplaceAllString(line, "THEN")
	line = took.ReplaceAllString(line, "SOME")
	line = number.ReplaceAllString(line, "NUMBER")
	return strings.TrimSpace(blanks.ReplaceAllString(line, " "))
}

// lacks is the first wanted line that was not printed, but for times; empty: all were. A line may
// end with what the guide leaves out.
func lacks(printed string, want []string) string {
	var lines []string
	for line := range strings.Lines(printed) {
		lines = append(lines, alike(line))
	}
	for _, w := range want {
		begins, cut := strings.CutSuffix(w, "…")
		found := func(line string) bool {
			return line == alike(begins) || cut && strings.HasPrefix(line, alike(begins))
		}
		if !slices.ContainsFunc(lines, found) {
			return w
		}
	}
	return ""
}

var onHost = regexp.MustCompile(`^(lb0[12])# (.*)$`)

// wantPage asserts that what a page shows was typed in this test, and printed what the page has.
func (p *pair) wantPage(page string) {
	p.t.Helper()
	blocks, err := handbook.Blocks(page)
	if err != nil {
		p.t.Fatal(err)
	}
	shown := 0
	for _, b := range blocks {
		for i, line := range b.Lines {
			m := onHost.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			shown++
			var want []string
			for _, more := range b.Lines[i+1:] {
				if onHost.MatchString(more) {
					break
				}
				want = append(want, more)
			}
			if printed := p.typed[m[1]+"# "+strings.ReplaceAll(m[2], `"`, "")]; !slices.ContainsFunc(printed, func(s string) bool { return lacks(s, want) == "" }) {
				p.t.Errorf("%s:%d: %s: that was not printed, but %q", b.Page, b.Line+1+i, line, printed)
			}
		}
	}
	if shown == 0 {
		p.t.Errorf("%s shows no command", page)
	}
}

// note keeps what a command printed, for wantPage.
func (p *pair) note(host, command, printed string) {
	if p.typed == nil {
		p.typed = map[string][]string{}
	}
	key := host + "# " + command
	p.typed[key] = append(p.typed[key], printed)
}
