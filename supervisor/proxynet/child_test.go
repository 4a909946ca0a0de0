//go:build linux

package proxynet

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/internal/orphans"
	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// nursed is a Child under Watch.
type nursed struct {
	*Child
	*watched
	log *testbin.Output
}

func nurse(t *testing.T, argv ...string) *nursed {
	t.Helper()
	reaping(t)
	n := &nursed{log: &testbin.Output{}, watched: &watched{t: t, states: make(chan told, 1000)}}
	n.Child = NewChild(argv, slog.New(slog.NewTextHandler(n.log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Watch(ctx, func(s supervisor.UnitState) { n.states <- told{s, time.Now()} })
	}()
	n.stop = func() { cancel(); <-ended }
	t.Cleanup(n.stop)
	return n
}

// reaping does what pairkeeper does as PID 1, which the lab makes of this process. Whatever
// the test starts meanwhile is started by this package.
func reaping(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); orphans.Reap(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// proxies are real proxies in the foreground, on a loopback port.
var proxies = map[string]func(t *testing.T, port int) []string{
	"nginx": func(t *testing.T, port int) []string {
		dir := t.TempDir()
		conf := write(t, dir, "nginx.conf", fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; error_log stderr; worker_processes 2;
events {}
http { access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  server { listen 127.0.0.1:%[2]d; return 200; } }
`, dir, port))
		return []string{"nginx", "-p", dir, "-e", "stderr", "-c", conf}
	},
	"haproxy": func(t *testing.T, port int) []string {
		conf := write(t, t.TempDir(), "haproxy.cfg", fmt.Sprintf(`defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend web
  bind 127.0.0.1:%d
  http-request return status 200
`, port))
		return []string{"haproxy", "-W", "-f", conf}
	},
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort is a loopback port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// answers waits until the proxy on the port answers, or no longer does.
func answers(t *testing.T, port int, want bool) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for end := time.Now().Add(soon); ; time.Sleep(10 * time.Millisecond) {
		resp, err := client.Get("http://127.0.0.1:" + strconv.Itoa(port))
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("port %d answers: %v, want %v", port, err == nil, want)
		}
	}
}

// groupGone waits until the process group is no more.
func groupGone(t *testing.T, pgid int) {
	t.Helper()
	for end := time.Now().Add(soon); unix.Kill(-pgid, 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process group %d is still there", pgid)
		}
	}
}

func TestChildRunsAndStopsAProxy(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range proxies {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			n := nurse(t, argv(t, port)...)
			n.untilActive()
			answers(t, port, true)
			pid := n.last.MainPID
			n.stop()
			answers(t, port, false)
			groupGone(t, pid)
		})
	}
}

func TestChildKilledIsASignalAndLeavesNothing(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range proxies {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			n := nurse(t, argv(t, port)...)
			n.untilActive()
			answers(t, port, true)
			pid := n.last.MainPID
			// The master alone: its workers would go on answering.
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			n.until("killed", func(s supervisor.UnitState) bool { return s.Active == "failed" })
			want := supervisor.UnitState{Load: "loaded", Active: "failed", Sub: "failed", Result: "signal", Exit: "SIGKILL"}
			if n.last != want {
				t.Errorf("%#v", n.last)
			}
			groupGone(t, pid)
			if _, err := n.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			n.untilActive()
			answers(t, port, true)
		})
	}
}

func TestChildKillEndsTheGroup(t *testing.T) {
	netlab.Need(t, "nginx")
	port := freePort(t)
	n := nurse(t, proxies["nginx"](t, port)...)
	n.untilActive()
	pid := n.last.MainPID
	if err := n.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.until("killed", func(s supervisor.UnitState) bool { return s.Result == "signal" && !s.StopAsked })
	groupGone(t, pid)
}

func TestChildRestartsAHungProxy(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range proxies {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			n := nurse(t, argv(t, port)...)
			n.untilActive()
			answers(t, port, true)
			pid := n.last.MainPID
			if err := unix.Kill(-pid, unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			detail, err := n.Restart(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Log(detail)
			all := n.until("another process", func(s supervisor.UnitState) bool { return s.Active == "active" && s.MainPID != pid })
			if anyState(all, stopAsked) {
				t.Errorf("told were:\n%s", lines(all))
			}
			answers(t, port, true)
			groupGone(t, pid)
		})
	}
}

func TestChildSaysWhyItEnds(t *testing.T) {
	n := nurse(t, "sh", "-c", "echo first; echo no such directive in line 12 >&2; exit 3")
	n.until("failed", func(s supervisor.UnitState) bool {
		return s.Active == "failed" && s.Result == "exit-code" && s.Exit == "exit 3"
	})
	_, err := n.Restart(t.Context())
	if want := "restart sh: exit 3 at once: first | no such directive in line 12"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got := n.log.String(); !strings.Contains(got, `msg="no such directive in line 12" source=proxy`) {
		t.Errorf("the log has not what the proxy said:\n%s", got)
	}
	n = nurse(t, "true")
	n.until("inactive", func(s supervisor.UnitState) bool {
		return s.Active == "inactive" && s.Result == "success" && s.Exit == "exit 0" && !s.StopAsked
	})
}

func TestChildThatIsNotThere(t *testing.T) {
	n := nurse(t, "no-such-proxy", "-W")
	n.until("not-found", func(s supervisor.UnitState) bool { return s.Load == "not-found" && s.Active == "failed" })
	_, err := n.Restart(t.Context())
	if want := "restart no-such-proxy: no-such-proxy -W: executable file not found in $PATH"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What systemd gave to pairkeeper is not for the proxy: it must not notify in its name.
func TestChildDoesNotInheritTheNotifySocket(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("PORT", "8080")
	n := nurse(t, "sh", "-c", "echo socket=$NOTIFY_SOCKET port=$PORT")
	n.until("inactive", down)
	if got := n.log.String(); !strings.Contains(got, "msg=\"socket= port=8080\"") {
		t.Errorf("%s", got)
	}
}
