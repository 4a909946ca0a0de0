package probesnet

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
)

// With a real HAProxy: two servers that come and go, one that is not checked.
func TestHAProxyTellsOfItselfAndOfItsServers(t *testing.T) {
	netlab.Need(t, "haproxy")
	dir := t.TempDir()
	socket, conf := filepath.Join(dir, "admin.sock"), filepath.Join(dir, "haproxy.cfg")
	alive, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	text := fmt.Sprintf("global\n  stats socket %s\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\n"+
		"backend web\n  default-server inter 50ms rise 1 fall 1\n  server a %s check\n  server b 127.0.0.1:1 check\n"+
		"backend plain\n  server c 127.0.0.1:1\nbackend none\n", socket, alive.Addr())
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("haproxy", "-W", "-f", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	}()
	until := func(c probes.HAProxy, ok bool, detail string) {
		t.Helper()
		c.Socket = socket
		var r Result
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			r = lookOnce(t, c, 10*time.Second)
			if r.OK == ok && strings.Contains(r.Detail, detail) {
				if !r.Answered {
					t.Errorf("it answered, but is told not to have: %+v", r)
				}
				return
			}
		}
		t.Fatalf("%+v, want %t %q", r, ok, detail)
	}
	until(probes.HAProxy{}, true, "HAProxy ")
	until(probes.HAProxy{Backends: []string{"web"}, MinUp: 1}, true, "backend web has 1 of 2 servers up")
	until(probes.HAProxy{Backends: []string{"web"}, MinUp: 2}, false, "backend web has 1 of 2 servers up, wanted: 2 (b DOWN)")
	until(probes.HAProxy{Backends: []string{"web", "plain"}, MinUp: 1}, true, "1 of 2 servers up, backend plain has 1 of 1 servers up")
	until(probes.HAProxy{Backends: []string{"none"}, MinUp: 1}, false, "backend none has 0 of 0 servers up, wanted: 1")
	until(probes.HAProxy{Backends: []string{"nobody"}, MinUp: 1}, false, "backend nobody: No such proxy.")
	alive.Close()
	until(probes.HAProxy{Backends: []string{"plain", "web"}, MinUp: 1}, false, "backend web has 0 of 2 servers up, wanted: 1 (a DOWN, b DOWN)")

	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if r := lookOnce(t, probes.HAProxy{Socket: socket}, 300*time.Millisecond); r.OK || r.Answered || r.Detail != socket+": no answer within 300ms" {
		t.Errorf("hung: %+v", r)
	}
}

func TestHAProxyNoticesWhatIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer   string
		answered bool
		detail   string
	}{
		"stopping":        {"Name: HAProxy\nPid: 7\nStopping: 1\n\n", true, ": process 7 is stopping"},
		"something else":  {"HTTP/1.0 400 Bad request\r\n", true, `: this is not what HAProxy answers: "HTTP/1.0 400 Bad request\r\n"`},
		"nothing":         {"", false, ": the connection was closed before the answer was complete"},
		"half an answer":  {"Name: HAProxy\nPid: 7\nStopping: 0\n", true, ": the answer ends before backend web"},
		"another version": {"Name: HAProxy\nPid: 7\n\n# pxname,weight\nweb,1\n\n", true, ": backend web has 0 of 0 servers up, wanted: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 1024))
					_, _ = conn.Write([]byte(c.answer))
					_ = conn.Close()
				}
			}()
			r := lookOnce(t, probes.HAProxy{Socket: socket, Backends: []string{"web"}, MinUp: 1}, 10*time.Second)
			if r.OK || r.Answered != c.answered || r.Detail != socket+c.detail {
				t.Errorf("%+v, want %q", r, c.detail)
			}
		})
	}
	socket := filepath.Join(t.TempDir(), "none")
	if r := lookOnce(t, probes.HAProxy{Socket: socket}, 10*time.Second); r.OK || r.Answered || r.Detail != socket+": no such file or directory" {
		t.Errorf("%+v", r)
	}
}
