package daemon_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// mode begins or ends one.
func (n *node) mode(what string, query url.Values) (a daemon.ModeAnswer, status int) {
	n.Helper()
	status, err := ask(n.socket, "POST", "/v1/mode/"+what+"?"+query.Encode(), &a)
	if err != nil {
		n.Fatal(err)
	}
	return a, status
}

// shows waits until a node's status has a mode of a node.
func (n *node) shows(mode, of string, want bool) {
	n.Helper()
	n.until(mode+" of "+of, func() bool {
		s, err := n.status()
		has := false
		for _, m := range s.Modes {
			has = has || m.Mode == mode && m.Node == of
		}
		return err == nil && has == want
	})
}

func TestMaintenanceIsSeenOnBothNodesAndLastsOverARestart(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	a, status := h.nodes[0].mode("maintenance/on", url.Values{"reason": {"new disks"}})
	if status != http.StatusOK || a.Problem != "" || a.To != "lb02" || a.Unkept != "" || a.PeerClass != "able" {
		t.Fatalf("%d, %+v", status, a)
	}
	h.nodes[0].isOut("maintenance")
	h.nodes[1].is("ACTIVE")
	for _, n := range h.nodes {
		n.shows("maintenance", "lb01", true)
	}
	if a, status := h.nodes[1].mode("maintenance/on", nil); status != http.StatusConflict || !strings.Contains(a.Problem, "FAULT (maintenance)") {
		t.Errorf("the last one may leave: %d, %+v", status, a)
	}
	h.nodes[0].stop()
	h.nodes[0] = h.nodes[0].again()
	h.nodes[0].isOut("maintenance")
	h.nodes[1].stop() // even so it takes nothing
	h.nodes[0].isOut("maintenance")
	if h.nodes[0].reload(); lifetime(h.nodes[0].host, "eth0", vip) != 0 {
		t.Error("it holds the address")
	}
	h.nodes[0].isOut("maintenance")
	if a, _ := h.nodes[0].mode("maintenance/off", nil); !a.Was {
		t.Errorf("%+v", a)
	}
	h.nodes[0].is("ACTIVE")
}

func TestAForcedMaintenanceLeavesNobody(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	h.nodes[1].mode("maintenance/on", nil)
	h.nodes[1].isOut("maintenance")
	a, status := h.nodes[0].mode("maintenance/on", url.Values{"force": {"yes"}})
	if status != http.StatusOK || len(a.Held) != 1 || a.PeerClass != "maintenance" {
		t.Errorf("%d, %+v", status, a)
	}
	h.nodes[0].isOut("maintenance")
	h.nodes[0].holds(false)
}

func TestAFreezeIsSeenOnBothNodesAndForceTakesAllTheSame(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "metrics: {listen: \":9165\"}\n")
	if a, status := h.nodes[1].mode("freeze/on", url.Values{"for": {"1h"}, "reason": {"a show"}}); status != http.StatusOK {
		t.Fatalf("%d, %+v", status, a)
	}
	for _, n := range h.nodes {
		n.shows("freeze", "lb02", true)
	}
	h.nodes[0].tells(":9165", `pairkeeper_mode{mode="freeze"}`, 0) // it is the other node's
	h.nodes[1].tells(":9165", `pairkeeper_mode{mode="freeze"}`, 1)
	h.nodes[1].tells(":9165", `pairkeeper_mode{mode="maintenance"}`, 0)
	if a, status := h.nodes[0].handsOver(nil); status != http.StatusConflict || !strings.Contains(a.Problem, "frozen on lb02 (a show)") {
		t.Errorf("%d, %+v", status, a)
	}
	var f daemon.ForceAnswer
	if _, err := ask(h.nodes[1].socket, "GET", "/v1/take", &f); err != nil || len(f.Overrides) < 2 || !strings.Contains(strings.Join(f.Overrides, "\n"), "web: frozen: ") ||
		!strings.Contains(strings.Join(f.Overrides, "\n"), "web: peer-holds: ") {
		t.Errorf("%v, %+v", err, f)
	}
	h.nodes[1].is("BACKUP")
	if _, err := ask(h.nodes[1].socket, "POST", "/v1/take", &f); err != nil || f.Problem != "" {
		t.Fatalf("%v, %+v", err, f)
	}
	h.nodes[1].is("ACTIVE")
	h.nodes[0].is("BACKUP")
	h.nodes[1].mode("freeze/off", nil)
	h.nodes[0].shows("freeze", "lb02", false)
	if a, _ := h.nodes[0].handsOver(nil); a.Problem != "" {
		t.Error(a.Problem)
	}
	h.nodes[0].is("ACTIVE")
}
