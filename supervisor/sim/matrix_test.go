package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	matrixPhases = flag.Int("phases", 200, "in how many phases each row of the fault matrix is played")
	matrixTable  = flag.Bool("table", false, "print the fault matrix")
)

// TestMain lets the collector wait: a simulation makes garbage all the time, and little of it
// is alive.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// TestTheFaultMatrix plays each story of the matrix in many phases of everything that recurs,
// with each advert interval that it has a bound for: the worst is within the bound, and in
// the end one node holds the addresses and serves.
func TestTheFaultMatrix(t *testing.T) {
	files, err := filepath.Glob("testdata/matrix-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "matrix-"), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			story, _, _ := strings.Cut(string(text), rule)
			s, err := read(story)
			if err != nil {
				t.Fatal(err)
			}
			if len(s.bounds) == 0 {
				t.Fatal("it has no bound")
			}
			for _, b := range s.bounds {
				worst := s.worst(t, b)
				if *matrixTable {
					fmt.Printf("| %-32s | %5s | %-20s | %-20s | %d (%d) |\n", name, b.interval, against(worst.Two, b.two), against(worst.None, b.none), worst.Moves, b.moves)
				}
				if worst.Two > b.two || worst.None > b.none || worst.Moves > b.moves {
					t.Errorf("adverts every %s: two %s, none %s, moves %d; the bound is two %s, none %s, moves %d", b.interval, worst.Two, worst.None, worst.Moves, b.two, b.none, b.moves)
				}
			}
		})
	}
}

func against(worst, bound time.Duration) string {
	return fmt.Sprintf("%s (%s)", worst.Round(time.Millisecond), bound)
}

// worst plays a story in all phases, and returns the worst of each.
func (s *script) worst(t *testing.T, b bound) (worst Account) {
	s.pair.Interval = b.interval
	s.pair.Heartbeat = min(b.interval, 250*time.Millisecond)
	var lock sync.Mutex
	var wg sync.WaitGroup
	seeds := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range seeds {
				w := s.world(seed)
				w.quiet = true
				phase := time.Duration(seed) * (2*time.Second + b.interval) / time.Duration(*matrixPhases)
				err := s.play(w, phase)
				a := w.Accounts()[0]
				lock.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case a.Both || !a.Serving:
					t.Errorf("adverts every %s, seed %d: in the end held by %q, serving %t", b.interval, seed, a.Holder, a.Serving)
				}
				worst.Two, worst.None, worst.Moves = max(worst.Two, a.Two), max(worst.None, a.None), max(worst.Moves, a.Moves)
				lock.Unlock()
			}
		})
	}
	for seed := range uint64(*matrixPhases) {
		seeds <- seed + 1
	}
	close(seeds)
	wg.Wait()
	return worst
}
