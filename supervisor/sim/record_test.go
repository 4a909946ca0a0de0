package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor/trace"
)

// TestEveryStoryReplaysFromAnyOfItsSegments records every story in small segments, of which
// each but the first begins with the node's state, and has each gone through by itself.
func TestEveryStoryReplaysFromAnyOfItsSegments(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	segments, steps, answered := 0, 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		story, _, _ := strings.Cut(string(text), rule)
		recorded, err := TellRecorded(story, 1)
		if err != nil {
			t.Fatal(file, err)
		}
		for node, list := range recorded {
			for i, data := range list {
				segments++
				n, m := replayed(t, fmt.Sprintf("%s, segment %d of %s", filepath.Base(file), i, node), data)
				steps += n
				answered += m
			}
		}
	}
	t.Logf("%d segments, %d steps, %d of them answered", segments, steps, answered)
	if segments < 3*len(files) || answered < 1000 {
		t.Errorf("%d segments of %d stories with %d answers: that proves little", segments, len(files), answered)
	}
}

// replayed goes through a segment; what differs is an error.
func replayed(t *testing.T, name string, data []byte) (steps, answered int) {
	t.Helper()
	s, err := trace.Open(data)
	if err != nil {
		t.Fatal(name, err)
	}
	p := trace.Play(s)
	for {
		played, ok := p.Next(nil)
		if !ok {
			break
		}
		steps++
		if played.Answer.Sum != 0 {
			answered++
		}
		if !played.Same() {
			t.Errorf("%s: %s %s: recorded %v, now %v", name, played.At, played.Event, played.Answer, played.Now)
			break
		}
	}
	if err := p.Err(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if strange := s.Strange(); len(strange) > 0 {
		t.Errorf("%s: %q are strange to the version that wrote them", name, strange)
	}
	return steps, answered
}
