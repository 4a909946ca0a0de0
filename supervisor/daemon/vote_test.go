package daemon_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	consistency = "arbitration: {witness: [10.0.0.9]}\n"
	witnessAt   = "10.0.0.9/24"
)

// witnessOn runs a witness in a host until stop, or the test, ends it.
func witnessOn(t *testing.T, host *netlab.Host) (stop func()) {
	t.Helper()
	var w *fencingnet.Witness
	var err error
	host.Do(func() {
		w, err = fencingnet.OpenWitness(fencingnet.WitnessConfig{
			Listen: ":6941", Pairs: [][][]byte{{[]byte(strings.Repeat("\x5a", 32))}},
			Moved:   func(netip.AddrPort, int, fencing.Moved) {},
			Refused: func(_ netip.AddrPort, r fencing.Refusal) { t.Errorf("the witness refuses a message: %s", r) },
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// startVoters is a pair with a heartbeat, a gateway and a witness.
func startVoters(t *testing.T, more string) (h *hearts, witness *netlab.Host, stop func()) {
	t.Helper()
	h = startHearts(t, more, func(lab *netlab.Lab) {
		witness = lab.Host("witness", witnessAt)
		stop = witnessOn(t, witness)
	})
	h.nodes[0].votes("granted")
	h.nodes[1].votes("refused")
	return h, witness, stop
}

// votes waits for what the witness says.
func (n *node) votes(answer string) {
	n.Helper()
	n.until("the vote is "+answer, func() bool {
		s, err := n.status()
		return err == nil && len(s.Voters) == 1 && s.Voters[0].Answer == answer
	})
}

// isolate cuts everything between the nodes; both reach the gateway and the witness.
func (h *hearts) isolate(on bool) {
	for _, n := range h.nodes {
		n.host.Cable("eth0").Isolate(on)
	}
}

func TestWithEverythingCutBetweenThemTheWitnessDecides(t *testing.T) {
	t.Parallel()
	h, _, _ := startVoters(t, consistency)
	h.isolate(true)
	h.nodes[1].says("vote-refused")
	h.stays(3 * time.Second)
	h.isolate(false)
	h.nodes[1].hears("both-ways")
	h.stays(2 * time.Second)

	// The vote of a node that is dead runs out.
	h.nodes[0].host.Cable("eth0").Detach()
	h.nodes[1].is("ACTIVE")
	h.nodes[1].votes("granted")
	h.nodes[0].until("it let go", func() bool { return lifetime(h.nodes[0].host, "eth0", vip) == 0 })
}

// A file that both have stands for one on a disk that both share.
func TestWithEverythingCutBetweenThemTheDiskDecides(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "lock")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<20)); err != nil {
		t.Fatal(err)
	}
	h := startHearts(t, "arbitration: {disk: "+path+"}\n")
	h.nodes[0].votes("granted")
	h.isolate(true)
	h.nodes[1].says("vote-refused")
	h.stays(3 * time.Second)
	h.nodes[0].stop()
	h.nodes[1].is("ACTIVE")
}

func TestWithoutAWitnessBothHold(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	h.isolate(true)
	h.nodes[1].is("ACTIVE")
	h.nodes[0].is("ACTIVE")
	h.isolate(false)
	h.nodes[1].is("BACKUP")
}

func TestWithoutWitnessAndOtherNodeAHolderThatPrefersConsistencyLeaves(t *testing.T) {
	t.Parallel()
	h, _, stop := startVoters(t, consistency)
	stop()
	h.nodes[0].says("voter-mute")
	h.stays(2 * time.Second) // they hear each other
	h.isolate(true)
	h.nodes[0].is("BACKUP")
	h.nodes[0].says("vote-expired")
	h.nodes[1].says("no-vote")
	h.nodes[1].is("BACKUP")
	h.isolate(false)
	h.nodes[0].is("ACTIVE")
	h.nodes[1].is("BACKUP")
}

func TestAnOrderlyStopReturnsTheLease(t *testing.T) {
	t.Parallel()
	h, _, _ := startVoters(t, consistency)
	h.nodes[0].stop()
	h.nodes[1].is("ACTIVE")
	h.nodes[1].votes("granted")
}
