// Package orphans reaps, as PID 1 of a container has to, the processes whose parents left
// them behind, and leaves those that package os/exec waits for to it.
//
// The kernel tells of ended children in an order of its own, so whoever looks for orphans
// meets the children of os/exec as well. Started says which these are; they are gone in a
// moment, since whoever starts a command waits for it.
package orphans

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// own are the children that os/exec waits for.
var own = struct {
	sync.RWMutex // read by who starts a child, which cannot be told from an orphan until it is noted
	mu           sync.Mutex
	children     map[int]*os.Process
}{children: map[int]*os.Process{}}

// Started notes a command that start starts, so that Reap leaves it to its Wait. Where
// nobody reaps it costs nothing.
func Started(cmd *exec.Cmd, start func() error) error {
	own.RLock()
	defer own.RUnlock()
	err := start()
	if err == nil {
		note(cmd.Process)
	}
	return err
}

func note(p *os.Process) {
	own.mu.Lock()
	defer own.mu.Unlock()
	if len(own.children) >= forgetAt {
		maps.DeleteFunc(own.children, func(_ int, p *os.Process) bool { return waited(p) })
	}
	own.children[p.Pid] = p
}

// forgetAt bounds the children that are noted to twice those that run.
const forgetAt = 64

// waited tells that os/exec has had the child's end: its process is another one, if any.
func waited(p *os.Process) bool { return errors.Is(p.Signal(unix.Signal(0)), os.ErrProcessDone) }

// A child of os/exec that has ended is looked at again after retry. A signal that was lost
// is made good after every.
const (
	retry = 5 * time.Millisecond
	every = 10 * time.Second
)

// Reap reaps orphans until ctx ends. Only PID 1, or a subreaper, is given any.
func Reap(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	defer signal.Stop(ended)
	for {
		wait := every
		if !reapAll() {
			wait = retry
		}
		select {
		case <-ctx.Done():
			return
		case <-ended:
		case <-time.After(wait):
		}
	}
}

// reapAll reaps until no child has ended; false: the next one is os/exec's.
func reapAll() (done bool) {
	own.Lock()
	defer own.Unlock()
	for {
		pid := nextEnded()
		if pid == 0 {
			return true
		}
		if p := own.children[pid]; p != nil && !waited(p) {
			return false
		}
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // it is there, and ours alone
		delete(own.children, pid)
	}
}
