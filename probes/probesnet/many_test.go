package probesnet

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// lookerFunc is a looker for tests.
type lookerFunc func(context.Context) Result

func (f lookerFunc) look(ctx context.Context) Result { return f(ctx) }

// hung heeds its context and nothing else.
func hung(ctx context.Context) Result {
	<-ctx.Done()
	return Result{Detail: "hung"}
}

func fine(context.Context) Result { return Result{OK: true} }

// many is n jobs of one lane.
func many(n int, c probes.Config, l looker, in *lane) []*job {
	var jobs []*job
	for range n {
		jobs = append(jobs, newJob(len(jobs), c, l, in))
	}
	return jobs
}

func nothing() {}

func TestAHungLookGivesItsWorkerBack(t *testing.T) {
	in := &lane{workers: 64, most: 1000}
	jobs := many(500, probes.Config{Interval: time.Second, Timeout: time.Hour}, lookerFunc(hung), in)
	jobs = append(jobs, newJob(500, probes.Config{Interval: 10 * time.Millisecond, Timeout: time.Minute}, lookerFunc(fine), in))
	good := make(chan struct{}, 10000)
	r := start(t.Context(), jobs, lanes{in}, nothing, func(i int, r Result) {
		if i == 500 && r.OK {
			good <- struct{}{}
		}
	})
	defer r.Close()
	for range 20 { // behind 500 hours of timeouts
		<-good
	}
}

func TestManyHungProbesAreAllToldAndBounded(t *testing.T) {
	const n = 500
	in := newLanes()
	before := runtime.NumGoroutine()
	jobs := many(n, probes.Config{Interval: time.Second, Timeout: time.Second}, lookerFunc(hung), in[sockets])
	told := make(chan int, 10*n)
	r := start(t.Context(), jobs, in, nothing, func(i int, _ Result) { told <- i })
	most := 0
	seen := map[int]int{}
	for len(seen) < n || len(told) > 0 {
		seen[<-told]++
		most = max(most, runtime.NumGoroutine())
	}
	r.Close()
	if most > before+2*n { // those that look, and those whose end is being noted
		t.Errorf("%d goroutines more for %d probes", most-before, n)
	}
}

func TestAtMostAsManyWorkAtOnceAsThereAreWorkers(t *testing.T) {
	in := &lane{workers: 3, most: 1000}
	var at, most, looks atomic.Int64
	busy := func(context.Context) Result {
		now := at.Add(1)
		for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
		}
		looks.Add(1)
		at.Add(-1)
		return Result{OK: true}
	}
	jobs := many(200, probes.Config{Interval: 10 * time.Millisecond, Timeout: time.Minute}, lookerFunc(busy), in)
	told := make(chan bool, 100000)
	r := start(t.Context(), jobs, lanes{in}, nothing, func(int, Result) { told <- true })
	for range 1000 {
		<-told
	}
	r.Close()
	if most.Load() > 3 {
		t.Errorf("%d looks at once", most.Load())
	}
}

// A look in a system call that never returns: a disk that is gone.
func TestALookThatNothingEndsIsToldAndGivenUp(t *testing.T) {
	letGo := make(chan struct{})
	ended := make(chan struct{})
	calls := 0
	dead := func(context.Context) Result {
		if calls++; calls > 1 {
			return Result{OK: true}
		}
		<-letGo
		defer close(ended)
		return Result{OK: true, Detail: "an old truth"}
	}
	in := &lane{workers: 1, most: 1000}
	jobs := []*job{
		newJob(0, probes.Config{Interval: 50 * time.Millisecond, Timeout: 10 * time.Millisecond}, lookerFunc(dead), in),
		newJob(1, probes.Config{Interval: 50 * time.Millisecond, Timeout: time.Minute}, lookerFunc(fine), in),
	}
	told := [2]chan Result{make(chan Result, 10000), make(chan Result, 10000)}
	r := start(t.Context(), jobs, lanes{in}, nothing, func(i int, r Result) { told[i] <- r })
	defer r.Close()
	for range 3 {
		if res := <-told[0]; res.OK || !strings.HasPrefix(res.Detail, "hangs in the kernel for ") {
			t.Fatalf("%+v", res)
		}
		if res := <-told[1]; !res.OK {
			t.Fatalf("another probe: %+v", res)
		}
	}
	close(letGo)
	<-ended
	for res := range told[0] { // what it saw before is not told
		if res.Detail == "an old truth" {
			t.Fatalf("%+v", res)
		}
		if res.OK {
			return
		}
	}
}

func TestCloseDoesNotWaitForALookThatNothingEnds(t *testing.T) {
	letGo, ended := make(chan struct{}), make(chan struct{})
	begun := make(chan struct{})
	dead := func(context.Context) Result { close(begun); <-letGo; defer close(ended); return Result{} }
	in := &lane{workers: 1, most: 1000}
	r := start(t.Context(), many(1, probes.Config{Interval: time.Hour, Timeout: time.Hour}, lookerFunc(dead), in), lanes{in}, nothing, func(int, Result) {})
	<-begun
	r.Close()
	close(letGo)
	<-ended
}

func TestAProbeThatGetsNoWorkerIsTold(t *testing.T) {
	in := &lane{workers: 0}
	told := make(chan Result, 100)
	r := start(t.Context(), many(1, probes.Config{Interval: 10 * time.Millisecond, Timeout: 10 * time.Millisecond}, lookerFunc(fine), in), lanes{in}, nothing, func(_ int, r Result) { told <- r })
	defer r.Close()
	if res := <-told; res.OK || !strings.HasPrefix(res.Detail, "not looked at for ") || !strings.HasSuffix(res.Detail, ": too many probes of this kind take long") {
		t.Fatalf("%+v", res)
	}
}
