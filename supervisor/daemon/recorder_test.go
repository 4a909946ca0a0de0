package daemon_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// segments are a node's trace files.
func (n *node) segments() []string {
	n.Helper()
	list, err := daemon.TraceSegments(filepath.Join(filepath.Dir(n.socket), "trace"))
	if err != nil {
		n.Fatal(err)
	}
	return list
}

// replay goes through a segment and returns the transitions that it has; alter changes what
// it begins with.
func replay(t testing.TB, file string, alter func(*trace.Begin)) (transitions []string, differences int) {
	t.Helper()
	data := fileOf(t, file)
	s, err := trace.Open(data)
	if err != nil {
		t.Fatal(file, err)
	}
	if alter != nil {
		alter(&s.Begin)
	}
	p := trace.Play(s)
	for {
		played, ok := p.Next(nil)
		if !ok {
			break
		}
		for _, l := range played.Answer.Lines {
			if l.What == trace.Enter {
				transitions = append(transitions, l.String())
			}
		}
		if !played.Same() {
			if differences++; alter == nil {
				t.Errorf("%s: %s: recorded %v, now %v", played.Wall, played.Event, played.Answer, played.Now)
			}
		}
	}
	var d *trace.Damage
	if err := p.Err(); errors.As(err, &d) && !d.Cut || err != nil && d == nil {
		t.Error(file, err)
	}
	return transitions, differences
}

// A pair with a proxy: the holder is killed, comes back, and its proxy fails and recovers.
// What both recorded is gone through again without a difference, and with another priority
// in the file there is one.
func TestARecordedIncidentIsReplayed(t *testing.T) {
	t.Parallel()
	lab := netlab.New(t)
	ok := filepath.Join(t.TempDir(), "ok")
	good := func() {
		t.Helper()
		if err := os.WriteFile(ok, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good()
	conf := strings.Replace(pair, "virtual_routers:", "probes:\n  - {file: {path: "+ok+"}, name: proxy, interval: 100ms, timeout: 50ms, rise: 2, fall: 2, on_fail: leave}\nvirtual_routers:", 1)
	a := start(t, lab.Host("lb01", "10.0.0.1/24"), "lb01", conf)
	a.is("ACTIVE")
	b := start(t, lab.Host("lb02", "10.0.0.2/24"), "lb02", strings.Replace(conf, ok, "/proc/self/stat", 1))
	b.is("BACKUP")
	time.Sleep(500 * time.Millisecond) // what comes routinely

	_ = a.cmd.Process.Kill()
	a.wait()
	b.is("ACTIVE")
	first := a.segments()

	again := start(t, a.host, "lb01", conf)
	again.is("ACTIVE")
	b.is("BACKUP")
	if err := os.Remove(ok); err != nil {
		t.Fatal(err)
	}
	again.isOut("probe")
	b.is("ACTIVE")
	good()
	again.is("ACTIVE")
	b.is("BACKUP")
	again.stop()
	b.stop()

	files := slices.Concat(first, again.segments(), b.segments())
	if len(files) != 3 {
		t.Fatalf("segments %q, want one of each life of a daemon", files)
	}
	wants := [][]string{
		{"INIT -> BACKUP", "BACKUP -> ACTIVE"},
		{"INIT -> BACKUP", "BACKUP -> ACTIVE", "ACTIVE -> FAULT (probe", "FAULT -> BACKUP", "BACKUP -> ACTIVE", "ACTIVE -> INIT (stopping"},
		{"INIT -> BACKUP", "BACKUP -> ACTIVE (peer-silent", "ACTIVE -> BACKUP (higher-advert", "BACKUP -> ACTIVE (peer-released", "ACTIVE -> BACKUP (higher-advert"},
	}
	for i, file := range files {
		got, _ := replay(t, file, nil)
		for j, want := range wants[i] {
			if j >= len(got) || !strings.Contains(got[j], want) {
				t.Errorf("%s: transitions %q, want %q", file, got, wants[i])
				break
			}
		}
		data, err := os.ReadFile(file)
		if err != nil || len(data) > 200<<10 {
			t.Errorf("%s has %d bytes, %v", file, len(data), err)
		}
	}
	if _, n := replay(t, files[2], func(b *trace.Begin) { b.Config.Routers[0].VRRP.Priority = 200 }); n == 0 {
		t.Error("with priority 200 instead of 100 lb02 would have done the same")
	}
}

// A disk that takes nothing is reported, and nothing else happens.
func TestAFolderThatTakesNoTraceIsReported(t *testing.T) {
	t.Parallel()
	h := netlab.New(t).Host("lb01", "10.0.0.1/24")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	n := start(t, h, "lb01", pair, "/usr/bin/env", "STATE_DIRECTORY="+file)
	n.is("ACTIVE")
	n.holds(true)
	n.says("the flight recorder cannot write: ")
}

func TestTheRecorderIsSwitchedOnAndOffByAReload(t *testing.T) {
	t.Parallel()
	n := start(t, netlab.New(t).Host("lb01", "10.0.0.1/24"), "lb01", "recorder: off\n"+pair)
	n.is("ACTIVE")
	if list := n.segments(); len(list) > 0 {
		t.Fatalf("switched off, it has %q", list)
	}
	n.write("recorder: {size: 1MiB}\n" + pair)
	if a := n.reload(); len(a.Changed) != 2 || !strings.Contains(a.Changed[0], "recorder") {
		t.Errorf("the reload says %q", a.Changed)
	}
	n.until("it records", func() bool { return len(n.segments()) == 1 })
	n.reloads("recorder: off\n" + pair)
	n.stop()
	s, err := trace.Open(fileOf(t, n.segments()[0]))
	if err != nil || s.Begin.State == nil {
		t.Fatal("it does not begin with the node as it was", err)
	}
	if got, _ := replay(t, n.segments()[0], nil); len(got) > 0 {
		t.Errorf("recorded %q, though it was switched off before the end", got)
	}
}

func fileOf(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
