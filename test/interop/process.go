//go:build linux

package interop

import (
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
)

// process is a program that runs in a host until the test ends.
type process struct {
	what  string // it is, for messages
	host  *netlab.Host
	cmd   *exec.Cmd
	log   testbin.Output
	ended chan struct{}
}

// start runs cmd.
func (p *process) start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	p.cmd, p.ended = cmd, make(chan struct{})
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	p.host.Start(cmd)
	go func() { _ = cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() {
		p.Kill(t)
		if t.Failed() {
			t.Logf("%s on %s:\n%s", p.what, p.host.Name, p.Log())
		}
	})
}

// Stop ends it in order: it gives the address up and says so with priority 0.
func (p *process) Stop(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Signal(unix.SIGTERM) // it may have ended by itself
	p.wait(t)
}

// Kill is kill -9: what it has in the kernel stays there.
func (p *process) Kill(t testing.TB) {
	t.Helper()
	_ = p.cmd.Process.Kill()
	p.wait(t)
}

func (p *process) wait(t testing.TB) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Fatalf("%s on %s does not end:\n%s", p.what, p.host.Name, p.Log())
	}
}

// signal reaches the process, and others of it.
func (p *process) signal(t testing.TB, sig unix.Signal, others ...int) {
	t.Helper()
	for _, pid := range append([]int{p.cmd.Process.Pid}, others...) {
		if err := unix.Kill(pid, sig); err != nil {
			t.Fatalf("%s on %s: %v to %d: %v", p.what, p.host.Name, sig, pid, err)
		}
	}
}

// Log is what it has printed.
func (p *process) Log() string { return p.log.String() }
