package probesnet

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// watched is what becomes of many looks in virtual time.
type watched struct {
	begun          []time.Duration // since the start
	underway, most int             // looks at a time
	results, bad   []int           // of each probe
	compared       int             // by the agenda
}

// watch runs probes in virtual time.
func watch(t *testing.T, cfg []probes.Config, in lanes, each func(i int, ctx context.Context) Result, long time.Duration) *watched {
	w := &watched{results: make([]int, len(cfg)), bad: make([]int, len(cfg))}
	begin := make(chan time.Time)
	over := make(chan bool)
	var jobs []*job
	began := time.Now()
	for i, c := range cfg {
		in[sockets].expect(c)
		jobs = append(jobs, newJob(i, c, lookerFunc(func(ctx context.Context) Result {
			begin <- time.Now()
			defer func() { over <- true }()
			return each(i, ctx)
		}), in[sockets]))
	}
	end := make(chan bool)
	counted := make(chan bool)
	go func() {
		defer close(counted)
		for {
			select {
			case at := <-begin:
				w.begun = append(w.begun, at.Sub(began))
				w.underway++
				w.most = max(w.most, w.underway)
			case <-over:
				w.underway--
			case <-end:
				return
			}
		}
	}()
	r := start(t.Context(), jobs, in, nothing, func(i int, r Result) {
		w.results[i]++
		if !r.OK {
			w.bad[i]++
		}
	})
	time.Sleep(long)
	synctest.Wait()
	w.compared = r.agenda.compared
	r.Close()
	synctest.Wait()
	close(end)
	<-counted
	return w
}

// servers is the checks of many servers.
func servers(n int, c probes.Config) []probes.Config { return slices.Repeat([]probes.Config{c}, n) }

// perWindow counts the looks that began in each part of a time.
func (w *watched) perWindow(from, to time.Duration, parts int) (least, most int) {
	count := make([]int, parts)
	for _, at := range w.begun {
		if at >= from && at < to {
			count[int((at-from)*time.Duration(parts)/(to-from))]++
		}
	}
	return slices.Min(count), slices.Max(count)
}

func TestTenThousandChecksAreSpreadEvenlyAndCostTheLogarithmOfTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, interval = 10000, 5 * time.Second
		w := watch(t, servers(n, probes.Config{Interval: interval, Timeout: time.Second}), newLanes(), func(int, context.Context) Result {
			time.Sleep(time.Millisecond)
			return Result{OK: true}
		}, 4*interval)
		if _, most := w.perWindow(0, interval, 50); most > n/50+105 {
			t.Errorf("%d looks in a fiftieth of the first interval", most)
		}
		for k := time.Duration(2); k < 4; k++ {
			if least, most := w.perWindow(k*interval, (k+1)*interval, 50); least < n/50-5 || most > n/50+5 {
				t.Errorf("%d..%d looks in a fiftieth of interval %d, want %d", least, most, k, n/50)
			}
		}
		if least := slices.Min(w.results); least < 3 {
			t.Errorf("a server was looked at %d times in 4 intervals", least)
		}
		// Each look moves its job four times, each time past less than 2·log2(n) others.
		if looks := len(w.begun); w.compared > looks*4*2*14 {
			t.Errorf("%d looks took %d comparisons, %d each", looks, w.compared, w.compared/looks)
		}
	})
}

// A rack that is dead is many looks that wait: the others must not wait behind them.
func TestServersThatAreDeadDoNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, interval = 10000, 5 * time.Second
		dead := func(i int) bool { return i%5 < 4 }
		w := watch(t, servers(n, probes.Config{Interval: interval, Timeout: time.Second}), newLanes(), func(i int, ctx context.Context) Result {
			if dead(i) {
				return hung(ctx)
			}
			return Result{OK: true}
		}, 4*interval)
		for i := range n {
			if !dead(i) && (w.bad[i] > 0 || w.results[i] < 3) {
				t.Fatalf("server %d lives, and had %d results in 4 intervals, %d of them bad", i, w.results[i], w.bad[i])
			}
			if dead(i) && (w.bad[i] < 3 || w.bad[i] != w.results[i]) {
				t.Fatalf("server %d is dead, and had %d results in 4 intervals, %d of them bad", i, w.results[i], w.bad[i])
			}
		}
	})
}

// Nobody answers, and the process may not have as many files open as that takes.
func TestNoMoreLooksAreUnderWayThanFilesMayBeOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, most = 1000, 100
		in := lanes{{workers: 64, most: most}}
		w := watch(t, servers(n, probes.Config{Interval: time.Second, Timeout: 10 * time.Second}), in, func(_ int, ctx context.Context) Result { return hung(ctx) }, 5*time.Minute)
		if w.most != most {
			t.Errorf("%d looks at a time, want %d", w.most, most)
		}
		for i := range n {
			if w.results[i] == 0 {
				t.Fatalf("nothing was told of server %d", i)
			}
		}
	})
}

func TestWhatMayBeOpenBoundsTheLooks(t *testing.T) {
	if files, in := openFiles(), newLanes()[sockets]; files < 1 || in.most > max(64, files/2) {
		t.Errorf("%d looks at a time with %d files", in.most, files)
	}
	in := &lane{workers: 64, most: 100}
	for range 100000 {
		in.expect(probes.Config{Interval: time.Second})
	}
	if in.workers != 100 {
		t.Errorf("%d workers for %d looks at a time", in.workers, in.most)
	}
}
