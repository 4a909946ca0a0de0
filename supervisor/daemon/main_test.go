package daemon_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/onlooker"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// soon is generous: the machine may be busy.
const soon = 30 * time.Second

// A daemon has to be a process of its own to live in a namespace: it is this test's
// binary, run again with these variables.
const (
	asFile    = "PAIRKEEPER_TEST_FILE"
	asNode    = "PAIRKEEPER_TEST_NODE"
	asSocket  = "PAIRKEEPER_TEST_SOCKET"
	asWatcher = "PAIRKEEPER_TEST_WATCH" // of the file; else a test says when it is read
	asEye     = "PAIRKEEPER_TEST_EYE"   // an onlooker instead
	asWeb     = "PAIRKEEPER_TEST_WEB"   // a web server that answers with this
)

func TestMain(m *testing.M) {
	if os.Getenv(asFile) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(asEye) != "" {
		fmt.Fprintln(os.Stderr, onlooker.Be("eth0", vip))
		os.Exit(1)
	}
	if name := os.Getenv(asWeb); name != "" {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })))
		os.Exit(1)
	}
	_ = flag.Set("test.parallel", "8") // they wait more than they work
	goleak.VerifyTestMain(m)
}

// serve is the daemon's process.
func serve() error {
	load := func() (daemon.Source, error) {
		f, err := config.Load(os.Getenv(asFile), os.Getenv(asNode))
		if err != nil {
			return daemon.Source{}, err
		}
		s := daemon.Source{Config: f.Config, Metrics: daemon.Metrics(f.Metrics), Manual: f.Manual, Recorder: f.Recorder}
		if os.Getenv(asWatcher) != "" {
			s.Files = f.Files
		}
		s.Settings = func() (list []daemon.Setting) {
			for _, one := range f.Settings() {
				list = append(list, daemon.Setting(one))
			}
			return list
		}
		return s, nil
	}
	src, err := load()
	if err != nil {
		return err
	}
	log, flush := daemon.NewLogger(daemon.LogAuto)
	defer flush()
	d, err := daemon.New(daemon.Options{Source: src, Log: log, Version: "test", File: os.Getenv(asFile), Socket: os.Getenv(asSocket), Trace: daemon.TraceFolder(os.Getenv(asSocket)), Load: load})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	return d.Run(ctx)
}

const (
	vip = "10.0.0.3"

	pair = `nodes:
  lb01: {address: 10.0.0.1, priority: 150}
  lb02: {address: 10.0.0.2, priority: 100}
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    addresses: [10.0.0.3/24]
    preempt_delay: 0
`
)

// node is a daemon that runs in a host.
type node struct {
	testing.TB
	host   *netlab.Host
	cmd    *exec.Cmd
	file   string
	socket string
	log    testbin.Output
	ended  chan struct{}
}

// start runs a daemon in the host until the test ends. before is what it is run by.
func start(t testing.TB, host *netlab.Host, name, conf string, before ...string) *node {
	t.Helper()
	dir := shortDir(t)
	n := &node{TB: t, host: host, file: filepath.Join(dir, "pairkeeper.yaml"), socket: filepath.Join(dir, "sock"), ended: make(chan struct{})}
	n.write(conf)
	argv := append(before, os.Args[0])
	n.cmd = exec.Command(argv[0], argv[1:]...)
	n.cmd.Env = append(os.Environ(), asFile+"="+n.file, asNode+"="+name, asSocket+"="+n.socket)
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} // what it mounts goes with it
	host.Start(n.cmd)
	go func() { _ = n.cmd.Wait(); close(n.ended) }()
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		n.wait()
		if t.Failed() {
			t.Logf("%s on %s:\n%s", name, host.Name, n.log.String())
		}
		if strings.Contains(n.log.String(), "DATA RACE") || strings.Contains(n.log.String(), "panic: ") {
			t.Errorf("%s on %s:\n%s", name, host.Name, n.log.String())
		}
	})
	return n
}

// shortDir is a folder for the test alone; the path of a Unix socket has 107 bytes.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (n *node) write(conf string) {
	n.Helper()
	if err := os.WriteFile(n.file, []byte(conf), 0o600); err != nil {
		n.Fatal(err)
	}
}

func (n *node) wait() {
	n.Helper()
	select {
	case <-n.ended:
	case <-time.After(soon):
		n.Fatalf("the daemon on %s does not end:\n%s", n.host.Name, n.log.String())
	}
}

// stop ends it in order.
func (n *node) stop() {
	n.Helper()
	_ = n.cmd.Process.Signal(unix.SIGTERM)
	n.wait()
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		n.Errorf("the daemon on %s ended with %d:\n%s", n.host.Name, code, n.log.String())
	}
}

// ask sends a request to a control socket.
func ask(socket, method, path string, answer any) (int, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", socket) },
	}}
	req, err := http.NewRequest(method, "http://x"+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(answer)
}

func (n *node) status() (s daemon.Status, err error) {
	_, err = ask(n.socket, "GET", "/v1/status", &s)
	return s, err
}

// reload has the file read again.
func (n *node) reload() daemon.ReloadAnswer {
	n.Helper()
	var a daemon.ReloadAnswer
	if _, err := ask(n.socket, "POST", "/v1/reload", &a); err != nil {
		n.Fatal(err)
	}
	return a
}

// await waits until its first router is as wished.
func (n *node) await(what string, ok func(daemon.RouterStatus) bool) daemon.RouterStatus {
	n.Helper()
	var s daemon.Status
	var err error
	n.until(what, func() bool {
		s, err = n.status()
		return err == nil && len(s.Routers) > 0 && ok(s.Routers[0])
	})
	return s.Routers[0]
}

func (n *node) is(state string) daemon.RouterStatus {
	n.Helper()
	return n.await(state, func(r daemon.RouterStatus) bool { return r.State == state })
}

func (n *node) isOut(reason string) daemon.RouterStatus {
	n.Helper()
	return n.await(reason, func(r daemon.RouterStatus) bool { return r.State == "FAULT" && r.Reason == reason })
}

func (n *node) says(words ...string) {
	n.Helper()
	for _, w := range words {
		n.until("the log says "+w, func() bool { return strings.Contains(n.log.String(), w) })
	}
}

func (n *node) until(what string, ok func() bool) {
	n.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s, err := n.status()
			n.Fatalf("on %s not within %s: %s; status %+v, %v", n.host.Name, soon, what, s, err)
		}
	}
}

// lifetime is how many seconds the kernel will keep the address: 0 if it is not there,
// -1 if for ever.
func lifetime(h *netlab.Host, dev, addr string) (seconds int) {
	h.Do(func() {
		link, err := netlink.LinkByName(dev)
		if err != nil {
			return
		}
		list, _ := netlink.AddrList(link, netlink.FAMILY_ALL)
		for _, a := range list {
			if a.IP.String() != addr {
				continue
			}
			seconds = max(a.ValidLft, 1) // in its last second it is there
			if a.Flags&unix.IFA_F_PERMANENT != 0 {
				seconds = -1
			}
		}
	})
	return seconds
}

func (n *node) holds(want bool) {
	n.Helper()
	n.until(fmt.Sprintf("holds %s: %t", vip, want), func() bool { return (lifetime(n.host, "eth0", vip) != 0) == want })
}

// advert tells an advert of a virtual router with a priority.
func advert(vrid, priority byte) func(netlab.Frame) bool {
	return func(f netlab.Frame) bool {
		if !f.IsIPv4(112) {
			return false
		}
		msg := f.Payload()[20:]
		return len(msg) >= 3 && msg[1] == vrid && msg[2] == priority
	}
}
