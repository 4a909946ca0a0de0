package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// pairNode is a node of a pair, and its host.
type pairNode struct {
	*running
	host *netlab.Host
}

func (n *pairNode) router() daemon.RouterStatus {
	n.Helper()
	var s daemon.Status
	if _, err := ask(n.socket, "GET", "/v1/status", &s); err != nil || len(s.Routers) == 0 {
		n.Fatalf("%+v, %v", s, err)
	}
	return s.Routers[0]
}

// bothWith are two nodes with a heartbeat, in one network; more is added to their file.
func bothWith(t *testing.T, more string) (first, second *pairNode) {
	t.Helper()
	key := write(t, filepath.Join(shortDir(t), "pair.key"), "hex:"+strings.Repeat("5a", 32)+"\n")
	conf := pair + "heartbeat:\n  key_file: " + key + "\n  links: [{lb01: 10.0.0.1, lb02: 10.0.0.2}]\n" + more
	lab := netlab.New(t)
	lab.Host("gw", "10.0.0.254/24")
	nodes := [2]*pairNode{}
	for i, name := range []string{"lb01", "lb02"} {
		h := lab.Host(name, "10.0.0."+string(rune('1'+i))+"/24")
		h.Run("ip", "route", "add", "default", "via", "10.0.0.254")
		nodes[i] = &pairNode{beginAs(t, h, name, conf), h}
	}
	nodes[0].shows("ACTIVE")
	nodes[1].shows("BACKUP")
	return nodes[0], nodes[1]
}

func beginAs(t *testing.T, h *netlab.Host, name, conf string) *running {
	t.Helper()
	dir := shortDir(t)
	r := &running{T: t, file: write(t, filepath.Join(dir, "pairkeeper.yaml"), conf), socket: filepath.Join(dir, "run", "sock")}
	r.again(h, name)
	return r
}

// again runs a node, perhaps after it has ended.
func (r *running) again(h *netlab.Host, name string) {
	r.cmd = program(nil, "run", "-c", r.file, "--node", name, "--socket", r.socket)
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	h.Start(r.cmd)
}

func (r *running) kill() {
	r.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		r.Fatal(err)
	}
	_ = r.cmd.Wait()
}

func widest(picture string) (n int) {
	for line := range strings.Lines(picture) {
		n = max(n, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func TestAWatchedFailover(t *testing.T) {
	first, second := bothWith(t, "")
	y := inTTY(t, program(nil, "status", "--watch", "200ms", "--socket", second.socket), 100, 50)
	y.shows("pairkeeper  lb02 and lb01", "every 200ms, q quits",
		"lb02 (this node)", "lb01", "+ healthy", "+ able", "gateway answers", "gateway answers",
		"VIRTUAL ROUTERS", "+ web 10.0.0.3/24", "held by lb01 for ", "lb02: BACKUP, priority 100", "lb01: holds the addresses, priority 150",
		"arbiter: has nothing to decide",
		"HEARTBEAT", "both ways", "WHAT HAPPENED LAST", "web: INIT -> BACKUP")

	first.kill()
	picture := y.shows("! heartbeat 10.0.0.2 - 10.0.0.1: nothing comes from lb01", "! silent for", "it was able",
		"held by lb02 for ", "lb02: ACTIVE, priority 100", "lb01: not known", "arbiter: ",
		"WHAT HAPPENED LAST", "web: BACKUP -> ACTIVE (", "web: INIT -> BACKUP")
	t.Log("\n" + picture) // docs/status.md shows it
	if strings.Index(picture, "! heartbeat") > 0 {
		t.Errorf("the alarm is not first:\n%s", picture)
	}

	y.resize(60, 30)
	y.until("fits into 60 columns", func(p string) bool {
		return widest(p) <= 60 && strings.Contains(p, "held by lb02") && strings.Count(p, "\n") < 30
	})
	y.resize(40, 12)
	y.until("fits into 40 columns and 12 rows, and says that there is more", func(p string) bool {
		return widest(p) <= 40 && strings.Count(p, "\n") < 12 && strings.Contains(p, "enlarge the window")
	})
	y.resize(100, 50)

	second.kill()
	picture = y.shows("! no daemon answers on "+second.socket, "Below is what it said last.", "held by lb02 for ")
	if !strings.HasPrefix(picture, "! no daemon") {
		t.Errorf("that the daemon is gone is not first:\n%s", picture)
	}
	y.types("q")
	y.ends()
}

func TestAWatchGoesOnWithTheNextDaemon(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	r := begin(t, h, pair)
	r.shows("web     ACTIVE")
	cmd := program(nil, "status", "--watch=100ms", "--socket", r.socket)
	cmd.Env = append(cmd.Env, "NO_COLOR=1")
	y := inTTY(t, cmd, 100, 30)
	y.shows("held by lb01 for ", "lb02: not known")
	r.kill()
	y.shows("! no daemon answers", "held by lb01 for ")
	r.again(h, "lb01")
	y.until("the daemon answers again", func(p string) bool {
		return !strings.Contains(p, "no daemon answers") && strings.Contains(p, "held by lb01 for ")
	})
	y.types("\x03")
	y.ends()
	if raw := y.raw.String(); strings.Contains(raw, "\x1b[3") || strings.Contains(raw, "\x1b[0m") || strings.Contains(raw, "\x1b[1m") {
		t.Errorf("it is coloured: %q", raw)
	}
}

func TestASignalLeavesTheTerminalAsItWas(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	r := begin(t, h, pair)
	r.shows("web     ACTIVE")
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGINT} {
		y := inTTY(t, program(nil, "status", "--watch", "--socket", r.socket), 100, 30)
		y.shows("held by lb01 for ")
		if raw := y.raw.String(); !strings.Contains(raw, "\x1b[32m") {
			t.Errorf("it is not coloured: %q", raw)
		}
		if err := y.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		y.ends()
	}
}

func TestAWatchIntoAPipeIsPlainText(t *testing.T) {
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	r := begin(t, h, pair)
	r.shows("web     ACTIVE")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := program(nil, "status", "--watch", "100ms", "--socket", r.socket)
	cmd.Stdout = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := ""
	r.until("two pictures are written", func() bool {
		all, err := os.ReadFile(out.Name())
		text = string(all)
		return err == nil && strings.Count(text, "pairkeeper  lb01 and lb02") > 1
	})
	_ = cmd.Process.Signal(unix.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if strings.Contains(text, "\x1b") || !strings.Contains(text, "held by lb01 for ") {
		t.Errorf("%q", text)
	}
}

func TestWhatCannotBeWatchedIsSaid(t *testing.T) {
	dead := filepath.Join(shortDir(t), "nobody")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--watch", "soon"}, exitUsage, "--watch soon: not a time such as 500ms or 2s"},
		{[]string{"--watch=10ms"}, exitUsage, "--watch 10ms: not in 100ms..1h"},
		{[]string{"--watch", "1s", "2s"}, exitUsage, "unknown command"},
		{[]string{"--watch", "--json"}, exitUsage, "none of the others can be"},
		{[]string{"--watch", "--socket", dead}, exitUnavailable, "no daemon answers on " + dead},
	} {
		if code, out := call(t, program(nil, append([]string{"status"}, c.args...)...)); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: exit status %d: %s", c.args, code, out)
		}
	}
}

func TestTextOfOthersIsNoOrderToTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[2J\x07red": "?[2J?red", "a\nb\tc": "a b c", "日本 é": "日本 é", "\xff\u202e": "??",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestTextIsWrappedBetweenWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"one two three":          "one two|three",
		"a verylongwordindeed b": "a|verylong|wordinde|ed b",
		"12345678 9":             "12345678|9",
	} {
		if got := strings.Join(wrap(text, 8), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
