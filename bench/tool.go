//go:build linux

package main

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// settings are what both tools are told alike.
type settings struct {
	version  int
	interval time.Duration // of the adverts
	many     int           // virtual routers; 0: one
	guard    bool          // the tool restarts nginx; else nginx lives by itself
	look     bool          // without guard: the tool looks at nginx by HTTP
	every    time.Duration // of keepalived's check script, in whole seconds
	probes   string        // pairkeeper's besides, in YAML, on the first node
	servers  int           // pairkeeper's real servers besides, in hundreds, on the first node
	scripts  int           // keepalived's besides, of /bin/true every second
	realTime bool          // keepalived too gets real-time priority; pairkeeper always has it
}

func (s settings) routers() []router { return routers(max(s.many, 1)) }

// tool is one of those compared.
type tool interface {
	// start runs it on a host; nginx is there already unless the tool brings it.
	start(h *host, s settings) daemon
	// bringsProxy tells that a guarding tool starts nginx itself.
	bringsProxy() bool
}

// daemon is a tool that runs on a host.
type daemon interface {
	active() bool // by its own word
	backup() bool
	changes() int // of the state of its virtual routers, so far
	pids() []int  // of all its processes, not those of the proxy
	log() string
	process() *process
}

// process is a started daemon.
type process struct {
	cmd   *exec.Cmd
	out   output
	ended chan struct{}
}

// launch starts the daemon's program on the host; it ends with the host.
func launch(h *host, argv []string, env ...string) *process {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Dir = h.dir
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second // a proxy may keep the pipe
	h.start(p.cmd)
	go func() {
		_ = p.cmd.Wait() // how it ended is in the log
		close(p.ended)
	}()
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// killAll is kill -9 of all the daemon's processes at one moment: they are stopped
// first, so that none reacts to the end of another.
func killAll(d daemon) {
	pids := d.pids()
	signalAll(pids, unix.SIGSTOP)
	signalAll(pids, unix.SIGKILL)
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the end of a log, each line after a mark.
func tail(text, mark string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-40):]
	return mark + strings.Join(lines, "\n"+mark)
}
