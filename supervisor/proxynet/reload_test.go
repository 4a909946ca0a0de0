//go:build linux

package proxynet

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestReloadKeepsTheMainProcess(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx", "haproxy")
	for _, unit := range []string{"nginx.service", "haproxy.service"} {
		w := watchUnit(t, h, unit)
		w.untilActive()
		pid := w.last.MainPID
		if err := w.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range w.gather() {
			if s.StopAsked || s.Job != "" || s.MainPID != 0 && s.MainPID != pid {
				t.Errorf("%s told %s with main process %d, it was %d", unit, s.UnitState, s.MainPID, pid)
			}
		}
	}
}

func TestReloadSaysWhatWentWrong(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/plain.service", "[Service]\nExecStart=sleep infinity\n", 0o644)
	h.Run(t, "systemctl", "start", "plain")
	plain := watchUnit(t, h, "plain.service")
	plain.untilActive()
	if err := plain.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "reload plain.service: ") {
		t.Errorf("a unit without ExecReload=: %v", err)
	}
	dead := watchUnit(t, h, "nginx.service")
	dead.until("inactive", func(s supervisor.UnitState) bool { return s.Active == "inactive" })
	if err := dead.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "reload nginx.service: ") {
		t.Errorf("a unit that does not run: %v", err)
	}
}

func TestChildReloadReadsTheConfigurationAgain(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy")
	for name, argv := range proxies {
		t.Run(name, func(t *testing.T) {
			port := freePort(t)
			args := argv(t, port)
			n := nurse(t, args...)
			n.untilActive()
			answers(t, port, true)
			pid, conf := n.last.MainPID, args[len(args)-1]
			text, err := os.ReadFile(conf)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(conf, []byte(strings.Replace(string(text), "200", "204", 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(soon); statusOf(port) != http.StatusNoContent; time.Sleep(100 * time.Millisecond) {
				if err := n.Reload(t.Context()); err != nil { // HAProxy listens before it takes signals
					t.Fatal(err)
				}
				if time.Now().After(end) {
					t.Fatalf("answers %d, want 204: %s", statusOf(port), n.log)
				}
			}
			if n.last.MainPID != pid {
				t.Errorf("main process %d became %d", pid, n.last.MainPID)
			}
		})
	}
}

// statusOf is what the proxy on a port answers; 0: nothing.
func statusOf(port int) int {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon}
	resp, err := client.Get("http://127.0.0.1:" + strconv.Itoa(port))
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
