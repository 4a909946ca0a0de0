package daemon

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/trace"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// recordedNode is a node with one router whose recorder writes into a folder.
type recordedNode struct {
	recorder
	node *supervisor.Node
	now  time.Time
}

func newRecorded(files *traceFiles) *recordedNode {
	vip := netip.MustParseAddr("10.0.0.3")
	n := &recordedNode{now: now()}
	n.cfg = supervisor.Config{Node: "lb01", Peer: "lb02", Routers: []supervisor.Router{{
		Name: "web", Interface: "eth0", Addresses: []supervisor.Address{{Prefix: netip.PrefixFrom(vip, 24)}},
		VRRP: vrrp.Config{
			VRID: 50, Version: vrrp.V3, Priority: 100, Interval: 100 * time.Millisecond, Addresses: []netip.Addr{vip},
			Preempt: true, Pair: true, Lifetime: time.Second,
		},
	}}}
	n.files = files
	n.node = supervisor.NewNode(n.cfg)
	n.begin(n.now, nil)
	n.tell(supervisor.Start{Session: 1})
	n.tell(supervisor.LinkChanged{Interface: "eth0", Exists: true, Enabled: true, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.6/24")}})
	return n
}

func (n *recordedNode) tell(ev supervisor.Event) {
	n.step(n.now, n.node, ev, n.node.Step(n.now, ev))
}

// hear is an advert, and a look whose detail is never the same.
func (n *recordedNode) hear(i int) {
	n.now = n.now.Add(50 * time.Millisecond)
	if d := n.node.Deadline(); !d.IsZero() && !n.now.Before(d) {
		n.tell(supervisor.Tick{})
	}
	n.tell(supervisor.RouterEvent{Router: "web", Event: vrrp.Received{From: netip.MustParseAddr("10.0.0.5"), Advert: vrrp.Advert{
		Version: vrrp.V3, VRID: 50, Priority: 150, Interval: 100 * time.Millisecond, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.3")},
	}}})
	n.tell(supervisor.Looked{Probe: "healthz", OK: true, Answered: true, Detail: fmt.Sprintf("%0200d", i)})
}

func TestTheRecorderKeepsToItsSizeAndGoesOnFromEachSegment(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "trace")
	const size = 1 << 20
	files := newTraceFiles(folder, size, func(err error) { t.Error(err) })
	n := newRecorded(files)
	rounds := 0
	for ; n.lost == 0 && rounds < 10_000; rounds++ {
		n.hear(rounds)
		for !files.roomy() { // the disk's turn: here nobody waits 50 ms for it
			time.Sleep(time.Millisecond)
		}
	}
	n.end(n.now)
	files.close()
	<-files.done
	list, err := TraceSegments(folder)
	if err != nil || len(list) < segmentsKept-1 || strings.HasSuffix(list[0], "00000000.trace") {
		t.Fatalf("segments %q, %v", list, err)
	}
	total, steps, last := int64(0), 0, trace.Played{}
	for _, name := range list {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		total += int64(len(data))
		s, err := trace.Open(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if s.Begin.State == nil || s.Begin.Lost > 0 {
			t.Errorf("%s begins with %+v", name, s.Begin)
		}
		p := trace.Play(s)
		for {
			played, ok := p.Next(nil)
			if !ok {
				break
			}
			steps++
			if last = played; !played.Same() {
				t.Fatalf("%s: %s: recorded %v, now %v", name, played.Event, played.Answer, played.Now)
			}
		}
		if p.Err() != nil {
			t.Error(name, p.Err())
		}
	}
	if total > size {
		t.Errorf("%d segments take %d bytes of %d", len(list), total, size)
	}
	if want := fmt.Sprintf("%0200d", rounds-1); steps < 1000 || last.Event.(supervisor.Looked).Detail != want {
		t.Errorf("%d steps of %d rounds, the last one %s", steps, rounds, last.Event)
	}
}

// A disk that takes nothing costs the loop nothing; when it is back there is a new segment,
// which says how much is missing.
func TestWhatTheDiskDoesNotTakeIsCountedAndASegmentBeginsBehindTheGap(t *testing.T) {
	files := &traceFiles{pieces: make(chan piece, piecesWaiting)} // nobody writes
	files.size.Store(1 << 20)
	n := newRecorded(files)
	for i := 0; n.lost == 0; i++ {
		if i > 1e6 {
			t.Fatal("nothing is ever dropped")
		}
		n.hear(i)
	}
	for i := range 1000 {
		n.hear(i)
	}
	lost := n.lost
	if lost < 2000 || len(files.pieces) != piecesWaiting {
		t.Fatalf("%d events lost, %d pieces wait", lost, len(files.pieces))
	}
	for range piecesWaiting {
		<-files.pieces
	}
	n.now = n.now.Add(recorderPause)
	n.hear(0)
	p := <-files.pieces
	s, err := trace.Open(p.data)
	if err != nil || !p.begins {
		t.Fatal(p.begins, err)
	}
	if s.Begin.Lost <= lost || s.Begin.State == nil || n.lost != 0 || n.losses != s.Begin.Lost {
		t.Errorf("begins with %d lost, %v; %d were", s.Begin.Lost, s.Begin.State, lost)
	}
}

func TestTwoDaemonsDoNotWriteOneTrace(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "trace")
	fails := make(chan error, 1)
	first := newTraceFiles(folder, 1<<20, func(err error) { t.Error(err) })
	newRecorded(first)
	for list, _ := TraceSegments(folder); len(list) == 0; list, _ = TraceSegments(folder) {
		time.Sleep(time.Millisecond)
	}
	second := newTraceFiles(folder, 1<<20, func(err error) { fails <- err })
	newRecorded(second)
	if err := <-fails; !strings.Contains(err.Error(), "another daemon writes its trace there") {
		t.Error(err)
	}
	first.close()
	second.close()
	<-first.done
	<-second.done
}
