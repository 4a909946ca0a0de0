package daemon_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// handsOver has an operator's order carried out.
func (n *node) handsOver(query url.Values) (a daemon.HandoverAnswer, status int) {
	n.Helper()
	status, err := ask(n.socket, "POST", "/v1/handover?"+query.Encode(), &a)
	if err != nil {
		n.Fatal(err)
	}
	return a, status
}

// surf has every node serve the address, and a client ask it every 2 ms.
func (h *hearts) surf(host *netlab.Host) *hostlab.Client {
	h.Helper()
	for _, n := range h.nodes {
		web := exec.Command(os.Args[0])
		web.Env = append(os.Environ(), asWeb+"="+n.host.Name)
		n.host.Start(web)
	}
	c := hostlab.NewClientIn(host, netip.AddrPortFrom(netip.MustParseAddr(vip), 80), 2*time.Millisecond)
	h.Cleanup(c.Stop)
	c.WaitFor(h, "lb01", soon)
	return c
}

// A connection that is under way when the address moves ends, as in every move: its packets
// come to a host that does not know it. Nothing else is lost, nor does anybody wait.
func TestAHandoverLosesNoRequest(t *testing.T) {
	t.Parallel()
	var client *netlab.Host
	h := startHearts(t, "", func(l *netlab.Lab) { client = l.Host("client", "10.0.0.9/24") })
	c := h.surf(client)
	cut, requests := 0, 0
	for round := range 8 {
		c.Mark()
		from, to := h.nodes[round%2], h.nodes[1-round%2]
		asked := from
		if round%4 > 1 { // the Backup has it moved
			asked = to
		}
		a, status := asked.handsOver(nil)
		if status != http.StatusOK || a.To != to.host.Name || a.Problem != "" {
			t.Fatalf("round %d: %d, %+v", round, status, a)
		}
		c.WaitFor(t, to.host.Name, soon)
		time.Sleep(700 * time.Millisecond) // what is under way ends, one way or the other
		samples := c.Samples()
		moved := samples[slices.IndexFunc(samples, func(s hostlab.Sample) bool { return s.Host == to.host.Name })].Done
		for _, s := range samples {
			requests++
			switch {
			case s.Err == nil:
			case strings.Contains(s.Err.Error(), "reset by peer") && s.Asked.Before(moved):
				cut++
			default:
				t.Errorf("round %d: %s after %s, asked %s after the move", round, s.Err, s.Done.Sub(s.Asked), s.Asked.Sub(moved))
			}
		}
	}
	t.Logf("%d requests, of which %d were under way when the address moved, and were cut off", requests, cut)
}

func TestAHandoverKeepsTheAddressesUntilItIsOver(t *testing.T) {
	t.Parallel()
	h := startHearts(t, "")
	if a, _ := h.nodes[0].handsOver(url.Values{"name": {"web"}, "for": {"2s"}}); a.Problem != "" {
		t.Fatal(a.Problem)
	}
	h.nodes[1].is("ACTIVE")
	h.nodes[0].is("BACKUP")
	h.nodes[1].says("handover-over")
	h.nodes[0].is("ACTIVE") // preempt_delay is 0
	if a, status := h.nodes[0].handsOver(url.Values{"name": {"mail"}}); status != http.StatusConflict || !strings.Contains(a.Problem, "there are: web") {
		t.Errorf("%d, %+v", status, a)
	}
}

func TestAHandoverWithoutAHeartbeatSaysWhatToConfigure(t *testing.T) {
	t.Parallel()
	n := start(t, netlab.New(t).Host("lb01", "10.0.0.1/24"), "lb01", pair)
	n.is("ACTIVE")
	if a, status := n.handsOver(nil); status != http.StatusConflict || !strings.Contains(a.Problem, "configure heartbeat:") {
		t.Errorf("%d, %+v", status, a)
	}
}
