//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// How long the processors are kept busy in a run, and by how many at once.
const (
	stressFor      = time.Minute
	quickStressFor = 15 * time.Second
	stressors      = 4
)

// stressScenarios count what a pair does, for which nothing is to be done, while both
// its nodes get little of the processor.
func stressScenarios() []scenario {
	stress := func(interval time.Duration) scenario {
		plain := settings{version: 3, interval: interval}
		realTime := plain
		realTime.realTime = true
		return scenario{
			name:  "stress-" + word(interval),
			title: fmt.Sprintf("stress-ng --cpu %d; v3, %s", stressors, phrase(interval)),
			share: 20,
			measures: []quantity{
				{"state changes", inTimes},
				{"moments without holder", inTimes}, {"time without holder", inSeconds},
				{"moments with two holders", inTimes}, {"time with two holders", inSeconds},
			},
			contestants: []contestant{{name: ours, kind: ours, settings: plain}, {name: theirs, kind: theirs, settings: plain}, {name: theirsRealTime, kind: theirs, settings: realTime}},
			run:         func(p *pair, _ contestant) []float64 { return p.endure() },
		}
	}
	return []scenario{stress(100 * time.Millisecond), stress(10 * time.Millisecond)}
}

// endure lets the pair be while stress-ng runs.
func (p *pair) endure() []float64 {
	long := stressFor
	if p.quick {
		long = quickStressFor
	}
	p.prefer(p.asker)
	changes, start := p.changes(), onlooker.Now()
	stop := p.stress()
	time.Sleep(long)
	end := onlooker.Now()
	changes = p.changes() - changes
	stop()
	time.Sleep(onlooker.CountEvery * 50) // the last rounds of the census come late
	p.note(start)
	none, noneFor := p.client.Moments(start, end, func(holders int) bool { return holders == 0 })
	two, twoFor := p.client.Moments(start, end, func(holders int) bool { return holders > 1 })
	return []float64{float64(changes), float64(none), seconds(noneFor), float64(two), seconds(twoFor)}
}

// stress keeps the processors busy until it is told to stop.
func (p *pair) stress() (stop func()) {
	cmd := exec.Command("stress-ng", "--cpu", fmt.Sprint(stressors), "--quiet")
	cmd.Dir = p.dir
	p.must(cmd.Start())
	stop = func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Signal(unix.SIGTERM) // it ends its children
			_ = cmd.Wait()
		}
	}
	p.Cleanup(stop)
	return stop
}
