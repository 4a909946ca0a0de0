package notifynet

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// long is more than anything here takes on a busy machine.
const long = 60 * time.Second

// diary keeps what is logged.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (l *diary) logger() *slog.Logger { return slog.New(l) }

// Enabled, Handle, WithAttrs and WithGroup make it a slog.Handler.
func (l *diary) Enabled(context.Context, slog.Level) bool { return true }
func (l *diary) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	return nil
}
func (l *diary) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *diary) WithGroup(string) slog.Handler      { return l }

func (l *diary) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// wait waits for something.
func wait(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("waited in vain: " + what)
}

func (l *diary) waitFor(t *testing.T, part string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Log(l.text())
		}
	}()
	wait(t, part, func() bool { return strings.Contains(l.text(), part) })
}

// transition is one of the router "web".
func transition(from, to vrrp.State, reason vrrp.Reason) Transition {
	return Transition{
		Moved: supervisor.Moved{Router: "web", From: from, To: to, Reason: reason, Priority: 150},
		Node:  "lb01", Peer: "lb02", Addresses: []string{"10.0.0.3/24", "10.0.0.4/24"}, Interfaces: []string{"eth0"},
		At: time.Date(2025, 3, 1, 12, 0, 0, 123_000_000, time.UTC),
	}
}

var (
	toMaster = transition(vrrp.Backup, vrrp.Active, vrrp.ReasonPeerSilent)
	toBackup = transition(vrrp.Active, vrrp.Backup, vrrp.ReasonHigherAdvert)
	toStop   = transition(vrrp.Backup, vrrp.Initialize, supervisor.ReasonStopping)
)

func of(t Transition, router string) Transition {
	t.Router = router
	return t
}

// script writes a program of the shell that may write to the file $out.
func script(t *testing.T, text string) (path, out string) {
	t.Helper()
	dir := t.TempDir()
	path, out = filepath.Join(dir, "hook"), filepath.Join(dir, "out")
	syscall.ForkLock.RLock() // else a child of another test may hold it open for writing: ETXTBSY
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\nout="+out+"\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path, out
}

func hook(command ...string) supervisor.Hook {
	return supervisor.Hook{Command: command, Timeout: long}
}

// lines are those of a file, once it has n.
func lines(t *testing.T, file string, n int) []string {
	t.Helper()
	var list []string
	wait(t, file, func() bool {
		data, _ := os.ReadFile(file)
		list = strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		return len(data) > 0 && len(list) >= n
	})
	return list
}
