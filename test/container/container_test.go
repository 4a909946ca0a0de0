package container

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// The addresses of the example.
const (
	vip   = "10.0.0.3"
	first = "10.0.0.5" // lb01, which has the higher priority
)

// network is both hosts, a client, and the web servers behind them.
type network struct {
	*testing.T
	lab    *netlab.Lab
	hosts  [2]*netlab.Host
	client *netlab.Host
	more   chan struct{} // its end is that of the answers to /slow
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	netlab.Need(t, "nginx", "haproxy", "setpriv", "nsenter")
	n := &network{T: t, lab: netlab.New(t), more: make(chan struct{})}
	n.hosts = [2]*netlab.Host{n.lab.Host("lb01", first+"/24"), n.lab.Host("lb02", "10.0.0.6/24")}
	n.client = n.lab.Host("client", "10.0.0.9/24")
	web := n.lab.Host("web", "10.0.0.7/24", "10.0.0.8/24")
	var l net.Listener
	web.Do(func() {
		var err error
		if l, err = net.Listen("tcp", ":80"); err != nil {
			t.Fatal(err)
		}
	})
	s := &http.Server{Handler: http.HandlerFunc(n.web)}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return n
}

// web answers at once, but for /slow.
func (n *network) web(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Accel-Buffering", "no") // nginx hands on what it has
	_, _ = io.WriteString(w, "begin ")
	if r.URL.Path == "/slow" {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-n.more:
		case <-r.Context().Done():
		}
	}
	_, _ = io.WriteString(w, "end")
}

// get asks from the client's network. The body is the caller's to close.
func (n *network) get(url string) (resp *http.Response, err error) {
	n.client.Do(func() {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", strings.TrimPrefix(strings.SplitN(url, "/", 4)[2], "")+":80", time.Second); err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(soon))
		client := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, Dial: func(string, string) (net.Conn, error) { return c, nil },
		}}
		resp, err = client.Get(url)
	})
	return resp, err
}

// answers waits until a URL answers with a text.
func (n *network) answers(url, want string) {
	n.Helper()
	n.until(url+" answers "+want, func() bool {
		resp, err := n.get(url)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.TrimSpace(string(body)) == want
	})
}

func (n *network) until(what string, ok func() bool) {
	n.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			n.Fatalf("not within %s: %s", soon, what)
		}
	}
}

// container is one that was started.
type container struct {
	*network
	spec  *spec
	host  *netlab.Host
	cmd   *exec.Cmd
	log   testbin.Output
	ended chan struct{}
}

func (n *network) start(host *netlab.Host, s *spec) *container {
	n.Helper()
	s.Program = testbin.Path()
	cmd, err := s.command()
	if err != nil {
		n.Fatal(err)
	}
	c := &container{network: n, spec: s, host: host, cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	host.Start(cmd)
	go func() { _ = cmd.Wait(); close(c.ended) }()
	n.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-c.ended
		if n.Failed() {
			n.Logf("%s:\n%s", host.Name, c.log.String())
		}
	})
	return c
}

// exec runs a command in the container, as docker exec does.
func (c *container) exec(argv ...string) (code int, out string) {
	c.Helper()
	enter := []string{"-t", strconv.Itoa(c.cmd.Process.Pid), "-m", "-n", "-p", "-i", "--"}
	text, err := exec.Command("nsenter", append(enter, argv...)...).CombinedOutput()
	if e, exited := errors.AsType[*exec.ExitError](err); exited {
		return e.ExitCode(), string(text)
	}
	if err != nil {
		c.Fatal(err)
	}
	return 0, string(text)
}

// healthy is the exit status of the health check.
func (c *container) healthy() int {
	c.Helper()
	code, _ := c.exec(readCompose(c.T).HealthCheck.Test[1:]...)
	return code
}

func (c *container) status() (s daemon.Status, err error) {
	c.Helper()
	_, out := c.exec(c.spec.Argv[0], "status", "--json")
	return s, json.Unmarshal([]byte(out), &s)
}

// await waits until its status is as wished.
func (c *container) await(what string, ok func(daemon.Status) bool) (s daemon.Status) {
	c.Helper()
	c.until(c.host.Name+" "+what, func() bool {
		var err error
		s, err = c.status()
		return err == nil && len(s.Routers) == 1 && ok(s)
	})
	return s
}

func (c *container) is(state string) {
	c.Helper()
	c.await(state, func(s daemon.Status) bool { return s.Routers[0].State == state })
}

func (c *container) says(words string) {
	c.Helper()
	c.until("the log says "+words, func() bool { return strings.Contains(c.log.String(), words) })
}

// signal is docker kill.
func (c *container) signal(s unix.Signal) {
	c.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.Fatal(err)
	}
}

// ends waits for its end and wants an exit status.
func (c *container) ends(code int) {
	c.Helper()
	select {
	case <-c.ended:
	case <-time.After(soon):
		c.Fatal("it does not end")
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.Errorf("it ended with %d, want %d", got, code)
	}
}

func (c *container) holds() bool {
	c.Helper()
	return strings.Contains(c.host.Run("ip", "-o", "address", "show", "dev", "eth0"), vip+"/")
}

// killProxy is kill -9 of the proxy's main process, and returns which that was.
func (c *container) killProxy() int {
	c.Helper()
	s := c.await("has a proxy", func(s daemon.Status) bool { return s.Proxy.State == "good" && s.Proxy.MainPID > 0 })
	if code, out := c.exec("kill", "-KILL", strconv.Itoa(s.Proxy.MainPID)); code != 0 {
		c.Fatal(out)
	}
	return s.Proxy.MainPID
}

func (c *container) hasAnotherProxyThan(killed int) {
	c.Helper()
	c.await("has another proxy", func(s daemon.Status) bool {
		return s.Proxy.State == "good" && s.Proxy.MainPID > 0 && s.Proxy.MainPID != killed
	})
}

// zombies lists the container's processes that have ended and are not reaped.
func (c *container) zombies() string {
	c.Helper()
	_, out := c.exec("sh", "-c", `grep -h "^State:.*Z" -B 2 -A 6 /proc/[0-9]*/status 2>/dev/null | grep -E "^(Name|Pid|PPid)"`)
	return out
}

// volume is where a volume lies outside.
func (c *container) volume(path string) string {
	for to, v := range c.spec.Volumes {
		if rest, ok := strings.CutPrefix(path, to); ok {
			return v.From + rest
		}
	}
	c.Fatalf("%s is on no volume", path)
	return ""
}

func (c *container) read(path string) string {
	text, _ := os.ReadFile(c.volume(path))
	return string(text)
}

func (c *container) replace(path, old, with string) {
	c.Helper()
	text := c.read(path)
	if !strings.Contains(text, old) {
		c.Fatalf("%s has no %q", path, old)
	}
	if err := os.WriteFile(c.volume(path), []byte(strings.Replace(text, old, with, 1)), 0o644); err != nil {
		c.Fatal(err)
	}
}

// haproxySpec is the example with HAProxy in nginx's place.
func haproxySpec(t *testing.T) *spec {
	t.Helper()
	s := exampleSpec(t)
	s.Volumes["/etc/haproxy"] = volume{From: t.TempDir(), ReadOnly: true}
	s.Volumes["/run/haproxy"] = volume{From: t.TempDir()} // its image has it
	cfg, err := os.ReadFile("../../examples/haproxy-pair/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Volumes["/etc/haproxy"].From, "haproxy.cfg"), cfg, 0o644); err != nil {
		t.Fatal(err)
	}
	s.edit(t, "command: [nginx, -g, daemon off;]", "command: [haproxy, -W, -f, /etc/haproxy/haproxy.cfg]")
	s.edit(t, "test: [nginx, -t, -q]", "test: [haproxy, -c, -q, -f, /etc/haproxy/haproxy.cfg]")
	return s
}

// edit changes pairkeeper.yaml.
func (s *spec) edit(t *testing.T, old, with string) {
	t.Helper()
	path := filepath.Join(s.Volumes["/etc/nginx"].From, "pairkeeper.yaml")
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("pairkeeper.yaml has no %q: %v", old, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}
