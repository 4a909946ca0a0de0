package trace

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// recorded is a small segment in three chunks, and where each of them begins.
func recorded() (data []byte, chunks []int) {
	var l Log
	at := time.Unix(1000, 0).UTC()
	cfg := supervisor.Config{Node: "lb01", Routers: []supervisor.Router{{Name: "web", Interface: "eth0"}}}
	node := supervisor.NewNode(cfg)
	l.Begin(Begin{Version: "1.2.3", At: at, Wall: at, Config: &cfg, State: node})
	for _, events := range [][]supervisor.Event{
		{supervisor.Start{Session: 1}, supervisor.LinkChanged{Interface: "eth0", Exists: true, Up: true}},
		{advertOf("web"), advertOf("web"), supervisor.Tick{}},
		{supervisor.Stop{}},
	} {
		for _, ev := range events {
			at = at.Add(time.Millisecond)
			l.Step(at, ev, node.Step(at, ev))
		}
		chunks = append(chunks, len(data))
		data = append(data, l.Take()...)
	}
	return data, chunks
}

// stepsOf counts what can be read.
func stepsOf(data []byte) (n int, err error) {
	s, err := Open(data)
	if err != nil {
		return 0, err
	}
	p := Play(s)
	for {
		if _, ok := p.Next(nil); !ok {
			return n, p.Err()
		}
		n++
	}
}

func TestATraceThatWasCutIsReadUpToTheLastWholeRecord(t *testing.T) {
	data, chunks := recorded()
	if n, err := stepsOf(data); n != 6 || err != nil {
		t.Fatalf("%d steps, %v", n, err)
	}
	for cut := range data {
		n, err := stepsOf(data[:cut])
		var d *Damage
		whole := cut == chunks[1] || cut == chunks[2]
		if !errors.As(err, &d) != whole || d != nil && !d.Cut {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		want := 0
		switch {
		case cut >= chunks[2]:
			want = 5
		case cut >= chunks[1]:
			want = 2
		}
		if n != want {
			t.Errorf("cut at %d of %v: %d steps, want %d", cut, chunks, n, want)
		}
	}
}

func TestDamageIsNamedWithItsPlace(t *testing.T) {
	data, chunks := recorded()
	for i := len(magic); i < len(data); i++ {
		bad := append([]byte(nil), data...)
		bad[i] ^= 0x40
		_, err := stepsOf(bad)
		at := len(magic)
		for _, c := range chunks[1:] {
			if i >= c {
				at = c
			}
		}
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("at byte %d: ", at)) {
			t.Fatalf("byte %d was changed: %v, want it named at %d", i, err, at)
		}
	}
	for text, want := range map[string]string{
		"":                 "the file is empty",
		"nodes:\n":         "not a trace of pairkeeper",
		magic[:10]:         "not a trace",
		magic:              "no record",
		magic + "\x01\x00": "in the middle of a record",
	} {
		if _, err := Open([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Whatever is in a file that its checksums confirm, reading it ends with an error or not at
// all worse.
func FuzzSegment(f *testing.F) {
	data, chunks := recorded()
	for i, c := range append(chunks, len(data)) {
		if i > 0 {
			f.Add(data[chunks[i-1]+8 : c])
		}
	}
	f.Add(data[len(magic)+8 : chunks[1]])
	f.Add([]byte{recTypes, 1, byte(kindSlice), 0, recBegin, 2, 0, 9})
	f.Add([]byte{recTypes, 1, byte(kindPtr), 0, recBegin, 3, 0, 1, 2})
	f.Fuzz(func(t *testing.T, records []byte) {
		if len(records) == 0 || len(records) > 1<<16 {
			return
		}
		readAll(sealed(records))
		readAll(append(append([]byte(nil), data[:chunks[1]]...), sealed(records)[len(magic):]...))
	})
}

// readAll reads without playing: a Node as nobody left it may do anything.
func readAll(data []byte) {
	if s, err := Open(data); err == nil {
		for ok := true; ok; {
			_, ok = s.Next()
		}
	}
}

// sealed are records in a chunk that is good.
func sealed(records []byte) []byte {
	l := Log{pending: records, size: len(magic) + len(records)}
	return l.Take()
}
