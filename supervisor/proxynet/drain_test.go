//go:build linux

package proxynet

import (
	"fmt"
	"io"
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
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// slow is a web server on loopback whose answer begins at once and ends with the end of
// more.
func slow(t *testing.T, more <-chan struct{}) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "begin ")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = io.WriteString(w, "end")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// passers are real proxies that pass requests on.
var passers = map[string]func(t *testing.T, port int, to string) []string{
	"nginx": func(t *testing.T, port int, to string) []string {
		argv := proxies["nginx"](t, port)
		replace(t, argv[len(argv)-1], "return 200;", "location / { proxy_pass http://"+to+"; proxy_buffering off; }")
		return argv
	},
	"haproxy": func(t *testing.T, port int, to string) []string {
		argv := proxies["haproxy"](t, port)
		replace(t, argv[len(argv)-1], "http-request return status 200", "default_backend web\nbackend web\n  server web "+to)
		replace(t, argv[len(argv)-1], "timeout server 1s", "timeout server 1m")
		return argv
	},
}

func replace(t *testing.T, path, old, with string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Dir(path), filepath.Base(path), strings.Replace(string(text), old, with, 1))
}

// listens waits until connections to the port are taken, or no longer are.
func listens(t *testing.T, port int, want bool) {
	t.Helper()
	wait(t, fmt.Sprintf("port %d listens: %t", port, want), func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			c.Close()
		}
		return (err == nil) == want
	})
}

func (n *nursed) says(words string) {
	n.t.Helper()
	wait(n.t, "the log says "+words, func() bool { return strings.Contains(n.log.String(), words) })
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// begun asks the proxy for the slow answer and returns when it has begun.
func begun(t *testing.T, port int) *http.Response {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon}
	resp, err := client.Get("http://127.0.0.1:" + strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if _, err := io.ReadFull(resp.Body, make([]byte, len("begin "))); err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestADrainedProxyTakesNothingNewAndFinishesWhatItHasBegun(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range passers {
		t.Run(name, func(t *testing.T) {
			more, port := make(chan struct{}), freePort(t)
			n := nurse(t, argv(t, port, slow(t, more))...)
			n.untilActive()
			pid := n.last.MainPID
			listens(t, port, true)
			resp, drained := begun(t, port), make(chan error, 1)
			go func() { drained <- n.Drain(t.Context(), soon) }()
			listens(t, port, false)
			select {
			case err := <-drained:
				t.Fatalf("it ended with a request under way: %v", err)
			default:
			}
			close(more)
			if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "end" {
				t.Errorf("the rest of the answer is %q, %v", rest, err)
			}
			if err := <-drained; err != nil {
				t.Error(err)
			}
			n.until("ended", func(s supervisor.UnitState) bool { return s.Active == "inactive" || s.Active == "failed" })
			groupGone(t, pid)
			// HAProxy 2.6 now and then ends with 139 when all is served.
			if strings.Contains(n.log.String(), "stop_timeout") {
				t.Errorf("it was stopped:\n%s", n.log)
			}
		})
	}
}

func TestADrainHasItsLimit(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range passers {
		t.Run(name, func(t *testing.T) {
			more, port := make(chan struct{}), freePort(t)
			n := nurse(t, argv(t, port, slow(t, more))...)
			defer close(more)
			n.untilActive()
			pid := n.last.MainPID
			listens(t, port, true)
			resp := begun(t, port)
			if err := n.Drain(t.Context(), 200*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			if rest, _ := io.ReadAll(resp.Body); string(rest) != "" {
				t.Errorf("the answer went on with %q", rest)
			}
			groupGone(t, pid)
			if want := "has not finished within 200ms (stop_timeout)"; !strings.Contains(n.log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, n.log)
			}
		})
	}
}

func TestASignalReachesTheChildItself(t *testing.T) {
	netlab.Need(t, "sh")
	n := nurse(t, "sh", "-c", `trap "echo had it" USR2; echo ready; while :; do sleep 0.05; done`)
	n.untilActive()
	loaded := n.last.Loaded
	n.says("ready")
	if err := n.Signal(t.Context(), unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	n.says("had it")
	if n.gather(); n.last.Loaded != loaded {
		t.Errorf("it is taken for a reload: loaded at %s, and then at %s", loaded, n.last.Loaded)
	}
	n = nurse(t, "false")
	n.until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" })
	if err := n.Reload(t.Context()); err == nil || err.Error() != "reload false: it does not run" {
		t.Error(err)
	}
}
