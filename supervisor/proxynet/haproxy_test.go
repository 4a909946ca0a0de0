//go:build linux

package proxynet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// With a real master: what it says after a reload that works, one of a bad file, and one
// whose port somebody else has.
func TestHAProxysMasterTellsHowAReloadEnded(t *testing.T) {
	netlab.Need(t, "haproxy")
	dir := t.TempDir()
	conf, socket := filepath.Join(dir, "haproxy.cfg"), filepath.Join(dir, "master")
	write := func(more string) {
		t.Helper()
		text := fmt.Sprintf("defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"+
			"frontend web\n  bind 127.0.0.1:%d\n  http-request return status 200\n%s\n", freePort(t), more)
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	write("")
	cmd := exec.Command("haproxy", "-W", "-f", conf, "-S", "unix@"+socket+",mode,600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var m master
	var before reloads
	for ok := false; !ok; time.Sleep(masterEvery) {
		if m, ok = masterOf(cmd.Process.Pid); ok {
			before, ok = m.count(ctx)
		}
		if ctx.Err() != nil {
			t.Fatalf("no answer at %q", m.socket)
		}
	}
	for _, c := range []struct {
		name, more string
		bad        bool
	}{
		{"another port", "", false},
		{"a bad file", "nonsense", true},
		{"good again", "", false},
		{"a port that somebody has", "frontend more\n  bind " + taken.Addr().String(), true},
		{"good at last", "", false},
	} {
		write(c.more)
		if err := cmd.Process.Signal(syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		if err := m.await(ctx, before); errors.Is(err, errNotLoaded) != c.bad || err != nil && !c.bad {
			t.Fatalf("%s: %v", c.name, err)
		}
		before, _ = m.count(ctx)
	}
}

func TestOnlyHAProxyWithACommandLineIsAMaster(t *testing.T) {
	for _, pid := range []int{os.Getpid(), 0, 1 << 30} {
		if m, ok := masterOf(pid); ok {
			t.Errorf("process %d: %+v", pid, m)
		}
	}
}
