package fencingnet

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing"
)

func newDisk(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func diskConfig(path, node string) DiskVoterConfig {
	peer := map[string]string{"lb01": "lb02", "lb02": "lb01"}[node]
	return DiskVoterConfig{Path: path, Node: node, Peer: peer, Keys: pairKeys, Lease: leaseOfTests}
}

func diskClient(t *testing.T, path, node string) *client {
	c := &client{t: t, casts: make(chan fencing.Cast, 100), voter: OpenDiskVoter(diskConfig(path, node))}
	c.close = sync.OnceFunc(c.voter.Close)
	t.Cleanup(c.close)
	return c
}

func TestTwoNodesShareADisk(t *testing.T) {
	path := newDisk(t, 1<<20)
	a, b := diskClient(t, path, "lb01"), diskClient(t, path, "lb02")
	if got := a.get(fencing.CallLook); got.Verdict != fencing.VerdictFree {
		t.Errorf("%+v", got)
	}
	if got := a.get(fencing.CallClaim); got.Verdict != fencing.VerdictGranted {
		t.Errorf("%+v", got)
	}
	if got := b.get(fencing.CallClaim); got.Verdict != fencing.VerdictRefused || got.Owner != "lb01" {
		t.Errorf("%+v", got)
	}
	if got := a.get(fencing.CallReturn); got.Verdict != fencing.VerdictFree {
		t.Errorf("%+v", got)
	}
	if got := b.get(fencing.CallClaim); got.Verdict != fencing.VerdictGranted {
		t.Errorf("%+v", got)
	}
	if got := a.get(fencing.CallLook); got.Verdict != fencing.VerdictRefused {
		t.Errorf("%+v", got)
	}
}

func TestTheLeaseOfADeadNodeIsWatchedBeforeItIsTaken(t *testing.T) {
	path := newDisk(t, 1<<20)
	a := diskClient(t, path, "lb01")
	a.get(fencing.CallClaim)
	began := time.Now()
	b := diskClient(t, path, "lb02")
	b.until(fencing.CallClaim, fencing.VerdictGranted)
	if took := time.Since(began); took < leaseOfTests {
		t.Errorf("taken after %s", took)
	}
	if got := a.get(fencing.CallClaim); got.Verdict != fencing.VerdictRefused {
		t.Errorf("and given back: %+v", got)
	}
	if got := b.get(fencing.CallClaim); got.Verdict != fencing.VerdictGranted {
		t.Errorf("%+v", got)
	}
}

func TestADiskThatIsNotUsableSaysWhy(t *testing.T) {
	other := newDisk(t, 1<<20)
	c := diskConfig(other, "lb01")
	c.Keys = []fencing.Key{{ID: 1, Secret: []byte("another")}}
	v := OpenDiskVoter(c)
	done := make(chan fencing.Cast, 1)
	v.Ask(Ask{Lease: "web", Call: fencing.Call{Serial: 1, Kind: fencing.CallClaim}, Answer: func(a fencing.Cast) { done <- a }})
	<-done
	v.Close()
	text := newDisk(t, 1<<20)
	if f, err := os.OpenFile(text, os.O_WRONLY, 0); err != nil {
		t.Fatal(err)
	} else if _, err = f.WriteString("a filesystem, perhaps"); err != nil || f.Close() != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/nowhere/lock":  "no such file",
		newDisk(t, 4096): "bytes, 131072 are needed: truncate",
		other:            "signed with another key",
		text:             "holds something else",
	} {
		if a := diskClient(t, path, "lb02").get(fencing.CallLook); a.Verdict != fencing.VerdictFailed || !strings.Contains(a.Problem, want) {
			t.Errorf("%+v, want %q", a, want)
		}
	}
}

// The goroutine of a disk that hangs does not come back: here there is none.
func TestADiskThatHangsHoldsUpNobody(t *testing.T) {
	v := &diskVoter{cfg: diskConfig("/", "lb01"), asks: make(chan diskAsk, 1), done: make(chan struct{})}
	for range 10 {
		v.Ask(Ask{Call: fencing.Call{Kind: fencing.CallClaim}})
	}
	v.Close()
}

// asVoter has this test's binary be a node that claims and returns a lease of a file for a
// while, and writes when it has it.
const asVoter = "PAIRKEEPER_TEST_DISK"

func TestMain(m *testing.M) {
	if path, node, ok := strings.Cut(os.Getenv(asVoter), "@"); ok {
		compete(path, node)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	competes     = 12 * time.Second
	leaseOfRaces = 600 * time.Millisecond
)

// compete writes a line for each time in which it had the lease: from when it knew until it
// gave it back, or until the lease ended, in nanoseconds of a clock that both share.
func compete(path, node string) {
	cfg := diskConfig(path, node)
	cfg.Lease = leaseOfRaces
	v := OpenDiskVoter(cfg)
	b := fencing.NewBallot(1, leaseOfRaces)
	var mu sync.Mutex
	var clock unix.Timespec
	nanos := func() int64 { _ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &clock); return clock.Nano() }
	from, seen := int64(0), int64(0)
	for end := time.Now().Add(competes); time.Now().Before(end); time.Sleep(time.Millisecond) {
		mu.Lock()
		now := time.Now()
		if rand.IntN(200) == 0 {
			b.Want(now, !b.Wanted())
		}
		at := nanos()
		switch granted := b.Vote(time.Now()) == fencing.Granted; {
		case granted && from == 0:
			from, seen = at, at
		case granted:
			seen = at
		case from != 0:
			fmt.Println(from, seen)
			from = 0
		}
		calls := b.Calls(now)
		mu.Unlock()
		for _, c := range calls {
			v.Ask(Ask{Lease: "web", Call: c, Answer: func(a fencing.Cast) {
				mu.Lock()
				defer mu.Unlock()
				b.Heard(time.Now(), a)
			}})
		}
		if rand.IntN(2000) == 0 {
			time.Sleep(2 * leaseOfRaces) // as a host that was stopped
		}
	}
	v.Close()
}

// Two processes want the same lease of one file again and again, and are stopped at times:
// never do both have it.
func TestTwoProcessesOnOneFileNeverBothHaveTheLease(t *testing.T) {
	path := newDisk(t, 1<<20)
	type span struct {
		node     string
		from, to int64
	}
	var mu sync.Mutex
	var spans []span
	count := map[string]int{}
	var both sync.WaitGroup
	for _, node := range []string{"lb01", "lb02"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asVoter+"="+path+"@"+node)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		both.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				s := span{node: node}
				if _, err := fmt.Sscan(lines.Text(), &s.from, &s.to); err != nil {
					t.Errorf("%q: %v", lines.Text(), err)
				}
				mu.Lock()
				spans = append(spans, s)
				count[node]++
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	for _, a := range spans {
		for _, b := range spans {
			if a.node < b.node && a.from < b.to && b.from < a.to {
				t.Errorf("both have it: %+v, %+v", a, b)
			}
		}
	}
	if count["lb01"] < 3 || count["lb02"] < 3 {
		t.Errorf("they had it %v times: this shows little", count)
	}
	t.Log(count)
}
