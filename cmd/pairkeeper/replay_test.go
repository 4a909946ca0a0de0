package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/sim"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// inUTC has the test's times printed as everywhere.
func inUTC(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}

// recorded plays a story and writes what a node recorded into a folder, as the daemon does.
func recorded(t *testing.T, story, node string, size int) (folder string, segments [][]byte) {
	t.Helper()
	inUTC(t)
	all, err := sim.TellRecorded(story, size)
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	for i, data := range all[node] {
		write(t, filepath.Join(folder, fmt.Sprintf("%08d.trace", i)), string(data))
	}
	return folder, all[node]
}

// altered is a segment that begins otherwise.
func altered(t *testing.T, data []byte, alter func(*trace.Begin)) []byte {
	t.Helper()
	s, err := trace.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	alter(&s.Begin)
	var l trace.Log
	l.Begin(s.Begin)
	for step, ok := s.Next(); ok; step, ok = s.Next() {
		l.Clock(step.At, step.Wall)
		l.Put(step.At, step.Event, step.Answer)
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return l.Take()
}

const (
	killedStory = `set heartbeat 200ms
0s lb01 power on
0s lb02 power on
10s lb01 daemon killed
20s end
`
	brokenStory = `0s lb02 power on
10s lb02 proxy breaks
40s end
`
	conflictStory = `set heartbeat 200ms
set isolated keep
set hold_off 30s
0s lb01 power on
0s lb02 power on
10s lb01 isolated
10s lb01 heartbeat cut
20s lb01 cable back
20s lb01 heartbeat back
60s end
`
)

// replayed is what replay prints of files, in a folder called trace.
func replayed(t *testing.T, folder string, files ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = replayAll(&b, files, 3)
	return strings.ReplaceAll(b.String(), folder, "trace"), err
}

func TestAReplayWithoutDifferenceSaysSo(t *testing.T) {
	for _, size := range []int{1 << 20, 1} { // where a segment ends is no matter of ours
		folder, segments := recorded(t, killedStory, "lb02", size)
		files, err := traceFiles([]string{folder})
		if err != nil {
			t.Fatal(err)
		}
		out, err := replayed(t, folder, files...)
		if err != nil {
			t.Error(err)
		}
		if len(segments) == 1 {
			golden(t, "replay-same.txt", []byte(out))
		}
		if n := strings.Count(out, ": this version decides the same\n"); n != len(segments) || n != strings.Count(out, "\n") {
			t.Errorf("of %d segments replay says:\n%s", len(segments), out)
		}
	}
}

func TestAReplayShowsWhatIsDecidedOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		story string
		alter func(*supervisor.Config)
	}{
		"priority": {killedStory, func(c *supervisor.Config) { c.Routers[0].VRRP.Priority = 200 }},
		"attempts": {brokenStory, func(c *supervisor.Config) { c.Proxy.Attempts = 1 }},
		"hold-off": {conflictStory, func(c *supervisor.Config) { c.Arbitration.HoldOff = time.Second }},
	} {
		t.Run(name, func(t *testing.T) {
			folder, segments := recorded(t, c.story, "lb02", 1<<20)
			file := filepath.Join(folder, "altered.trace")
			write(t, file, string(altered(t, segments[0], func(b *trace.Begin) { c.alter(b.Config) })))
			out, err := replayed(t, folder, file)
			if f, ok := errors.AsType[failure](err); !ok || f.code != 1 {
				t.Errorf("ends with %v", err)
			}
			golden(t, "replay-"+name+".txt", []byte(out))
		})
	}
}

func TestAReplayNamesWhatIsDamaged(t *testing.T) {
	folder, segments := recorded(t, killedStory, "lb02", 1<<20)
	data := segments[0]
	bad := bytes.Clone(data)
	bad[len(bad)/2] ^= 1
	for text, want := range map[string]struct {
		code int
		text string
	}{
		string(data[:len(data)-7]): {0, "the file ends in the middle of a record"},
		"":                         {0, "the file is empty"},
		string(bad):                {exitData, "one.trace: at byte "},
		"nodes:\n":                 {exitData, "one.trace: at byte 0: this is not a trace of pairkeeper"},
	} {
		out, err := replayed(t, folder, write(t, filepath.Join(folder, "one.trace"), text))
		code := 0
		if f, ok := errors.AsType[failure](err); ok {
			code = f.code
			out += f.Error()
		}
		if code != want.code || !strings.Contains(out, want.text) {
			t.Errorf("%.20q: exit status %d, %q", text, code, out)
		}
	}
	if _, err := traceFiles([]string{"nowhere"}); err == nil || !strings.Contains(err.Error(), "no such file or folder") {
		t.Error(err)
	}
	if _, err := traceFiles([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "recorder: off") {
		t.Error(err)
	}
}
