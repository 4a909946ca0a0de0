//go:build linux

package proxynet

import (
	"errors"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestRestartRestarts(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx", "haproxy")
	for _, unit := range []string{"nginx.service", "haproxy.service"} {
		w := watchUnit(t, h, unit)
		w.untilActive()
		pid := w.last.MainPID
		detail, err := w.Restart(t.Context())
		if err != nil || !strings.HasPrefix(detail, "restarted in ") {
			t.Fatalf("%q, %v", detail, err)
		}
		t.Log(unit, detail)
		all := w.until("a new process", func(s supervisor.UnitState) bool { return s.Active == "active" && s.MainPID != pid && s.MainPID != 0 })
		all = append(all, w.gather()...)
		if anyState(all, func(s supervisor.UnitState) bool { return s.StopAsked || s.Job != "" }) {
			t.Fatalf("our own restart was taken for somebody else's:\n%s", lines(all))
		}
	}
}

func TestRestartStartsADeadUnit(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	if err := w.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := w.untilDown()
	if w.last.StopAsked || w.last.Result != "signal" {
		t.Fatalf("told were:\n%s", lines(all))
	}
	if _, err := w.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.untilActive()
}

func TestRestartSaysWhatWentWrong(t *testing.T) {
	h := host(t)
	h.Run(t, "systemctl", "start", "nginx")
	w := watchUnit(t, h, "nginx.service")
	w.untilActive()
	h.Write(t, "/etc/nginx/nginx.conf", "nonsense;\n", 0o644)
	_, err := w.Restart(t.Context())
	if err == nil || !strings.Contains(err.Error(), "restart nginx.service: exit-code") {
		t.Fatal(err)
	}
	w.until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" && !s.StopAsked })

	missing := watchUnit(t, h, "nothing.service")
	missing.until("not-found", func(s supervisor.UnitState) bool { return s.Load == "not-found" && !s.StopAsked })
	if _, err := missing.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
}

func TestRestartDoesNotFightAPendingStop(t *testing.T) {
	h := host(t)
	// A stop that lasts until the file is there.
	h.Write(t, "/etc/systemd/system/slow.service",
		"[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c 'until test -e /run/go; do sleep 0.05; done'\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "start", "slow")
	w := watchUnit(t, h, "slow.service")
	w.untilActive()
	h.Run(t, "systemctl", "stop", "--no-block", "slow")
	w.until("a pending stop", func(s supervisor.UnitState) bool { return s.Job == "stop" && s.StopAsked && s.Active == "deactivating" })
	if _, err := w.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), "another order that is still pending") {
		t.Fatal(err)
	}
	h.Run(t, "touch", "/run/go")
	if w.untilDown(); !w.last.StopAsked || w.last.Active != "inactive" {
		t.Fatalf("%#v", w.last)
	}
}

func TestStopDuringOurRestartIsAsked(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/slow.service",
		"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'until test -e /run/go; do sleep 0.05; done'\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	w := watchUnit(t, h, "slow.service")
	w.until("never ran", func(s supervisor.UnitState) bool { return s.Active == "inactive" && !s.StopAsked })
	res := make(chan error, 1)
	go func() { _, err := w.Restart(t.Context()); res <- err }()
	w.until("activating", func(s supervisor.UnitState) bool { return s.Active == "activating" && s.Job == "" })
	h.Run(t, "systemctl", "stop", "slow")
	if err := <-res; err == nil || !strings.Contains(err.Error(), "canceled: somebody gave the unit another order") {
		t.Fatal(err)
	}
	if w.untilDown(); !w.last.StopAsked {
		t.Fatalf("%#v", w.last)
	}
}

func TestStartLimitIsToldAndCleared(t *testing.T) {
	h := host(t)
	h.Write(t, "/etc/systemd/system/nginx.service.d/lab.conf", "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=3\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	w := watchUnit(t, h, "nginx.service")
	w.untilDown()
	var err error
	for range 4 {
		if _, err = w.Restart(t.Context()); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrStartLimit) || !strings.Contains(err.Error(), "start-limit-hit") {
		t.Fatal(err)
	}
	w.until("start-limit-hit", func(s supervisor.UnitState) bool { return s.Result == "start-limit-hit" && !s.StopAsked })
	if err := w.ResetFailed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := w.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.untilActive()
	w.gather()

	// A unit that was killed keeps the signal as its Result when its start is refused.
	if err := w.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("failed", func(s supervisor.UnitState) bool { return s.Active == "failed" })
	if _, err := w.Restart(t.Context()); !errors.Is(err, ErrStartLimit) || w.last.Result != "signal" {
		t.Fatalf("%v; the unit is %s", err, w.last)
	}
}

func TestAStartThatFailsIsNoStartLimit(t *testing.T) {
	h := host(t)
	for name, text := range map[string]string{
		"before it runs":      "ExecStartPre=/bin/false\nExecStart=/bin/sleep 1000\n",
		"without its program": "Type=exec\nExecStart=/no/such/program\n",
		"in no time":          "Type=notify\nExecStart=/bin/true\n",
	} {
		t.Run(name, func(t *testing.T) {
			h.Write(t, "/etc/systemd/system/fails.service", "[Service]\n"+text, 0o644)
			h.Run(t, "systemctl", "daemon-reload")
			w := watchUnit(t, h, "fails.service")
			w.untilDown()
			for range 2 {
				if _, err := w.Restart(t.Context()); err == nil || errors.Is(err, ErrStartLimit) {
					t.Fatal(err)
				}
			}
		})
	}
}
