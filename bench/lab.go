//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/onlooker"
)

// The pair's network.
const (
	vip        = "10.0.0.3"
	clientAddr = "10.0.0.100"
	nic        = "eth0"
	vrid       = 50
)

// node is one of the pair.
type node struct {
	name, address string
	priority      int
}

var (
	first  = node{"lb01", "10.0.0.5", 150} // holds the address until the fault
	second = node{"lb02", "10.0.0.6", 100}
)

// lab is a network with two hosts and a client, for one run. It is the T of netlab and
// hostlab; whoever cannot go on panics with a labError.
type lab struct {
	dir      string
	cleanups []func()
	hosts    map[string]*host
	cables   *netlab.Lab
	network  *netlab.Host // the client's
	client   *onlooker.Onlooker
	asker    *exec.Cmd // the client's process
}

type labError struct{ text string }

func (e labError) Error() string { return e.text }

func newLab() (l *lab, err error) {
	l = &lab{hosts: map[string]*host{}}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	defer rescue(&err)
	if l.dir, err = os.MkdirTemp(workDir, ""); err != nil {
		return l, err
	}
	l.Cleanup(func() { _ = os.RemoveAll(l.dir) })
	l.cables = netlab.New(l)
	for _, n := range []node{first, second} {
		l.hosts[n.name] = newHost(l, l.cables.Host(n.name, n.address+"/24"), n)
	}
	l.network = l.cables.Host("client", clientAddr+"/24")
	l.watch(l.network)
	return l, nil
}

// watch has the client ask from a host of its own.
func (l *lab) watch(h *netlab.Host) {
	cmd := again(stageClient)
	l.asker = cmd
	var err error
	l.client, err = onlooker.Start(cmd, func() (err error) {
		h.Do(func() { err = cmd.Start() })
		return err
	})
	l.must(err)
	l.Cleanup(l.client.Stop)
}

// prefer gives a process's threads, and those they start, the processor before others of
// no real-time priority: a measuring one shall not be what is measured.
func (l *lab) prefer(cmd *exec.Cmd) {
	tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "task"))
	l.must(err)
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name()) // the kernel's
		l.must(unix.Setpriority(unix.PRIO_PROCESS, tid, -20))
	}
}

// close takes everything away, the last thing first.
func (l *lab) close() {
	for _, f := range slices.Backward(l.cleanups) {
		f()
	}
	l.cleanups = nil
}

func (l *lab) Helper()                      {}
func (l *lab) Cleanup(f func())             { l.cleanups = append(l.cleanups, f) }
func (l *lab) Logf(string, ...any)          {}
func (l *lab) Skipf(f string, args ...any)  { l.Fatalf(f, args...) }
func (l *lab) Fatalf(f string, args ...any) { panic(labError{fmt.Sprintf(f, args...)}) }
func (l *lab) Fatal(args ...any)            { l.Fatalf("%s", fmt.Sprint(args...)) }
func (l *lab) Errorf(f string, args ...any) { l.Fatalf(f, args...) }
func (l *lab) Failed() bool                 { return false }

// rescue turns the panic of a lab into an error.
func rescue(err *error) {
	switch p := recover().(type) {
	case nil:
	case labError:
		*err = p
	default:
		panic(p)
	}
}

// must ends the run on an error.
func (l *lab) must(err error) {
	if err != nil {
		l.Fatalf("%v", err)
	}
}
