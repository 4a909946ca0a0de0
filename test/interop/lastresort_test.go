//go:build linux

package interop

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/testbin"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// TestLastResortGivesWayToKeepalivedAndHoldsWithoutIt: with when_all_unhealthy: keep a node
// whose probe fails releases to a keepalived, takes the address back when that one is
// stopped, and yields when it returns.
func TestLastResortGivesWayToKeepalivedAndHoldsWithoutIt(t *testing.T) {
	t.Parallel()
	for _, p := range []protocol{v2, v3} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			lastResort(t, p)
		})
	}
}

func lastResort(t *testing.T, p protocol) {
	r := row{protocol: p}
	ready := filepath.Join(t.TempDir(), "ready")
	touch(t, ready)
	d := &duo{network: r.network(t), row: r}
	d.pk = d.pairkeeperOn(0, "when_all_unhealthy: keep\nprobes: [{file: "+ready+", interval: 100ms, on_fail: leave}]\n"+r.pairs(150, 100))
	d.ka = d.keepalivedOn(1, r.instances(1, 100))
	d.better, d.worse = d.pk, d.ka
	d.settle()

	mark := time.Now()
	if err := os.Remove(ready); err != nil {
		t.Fatal(err)
	}
	d.worseRules()
	d.pk.says(t, "(last-resort)", "ACTIVE -> BACKUP (outranked)")
	released, taken := d.released(d.pk, mark), d.taken(d.ka, mark)
	if limit := p.interval; taken.Sub(released) > max(limit, time.Second) {
		t.Errorf("keepalived took over %v after the release", taken.Sub(released))
	}
	d.staysWith(d.ka, 5*p.interval)

	d.ka.router.Stop(t)
	d.pk.isActive(t)
	d.holder(d.pk)
	failed := d.pk.pairkeeper().Await(t, "it holds as the last resort", soon, func(s daemon.RouterStatus) bool {
		return s.State == "ACTIVE" && s.LastResort && s.Reason == "probe" && s.Priority == 1
	})
	if screen := d.pk.pairkeeper().Screen(t); !strings.Contains(screen, "failed for") || !strings.Contains(screen, "holds because no healthy node is heard (when_all_unhealthy: keep)") {
		t.Errorf("%+v is shown as\n%s", failed, screen)
	}
	if e := d.pk.pairkeeper().explain(t); e.Health.Verdict != "failed" || len(e.Routers) != 1 || !strings.Contains(e.Routers[0].Text, "as the last resort") {
		t.Errorf("it is explained as %+v", e)
	}

	d.ka.up(t)
	d.worseRules()
	touch(t, ready)
	d.betterRules("healthy again")
	d.neverTwo(d.begun)
}

// touch makes a file.
func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// explain asks it why its routers are as they are.
func (p *Pairkeeper) explain(t testing.TB) daemon.Explanation {
	t.Helper()
	out, err := exec.Command(testbin.Path(), "explain", "--socket", p.socket, "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var e daemon.Explanation
	if err := json.Unmarshal(out, &e); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(testbin.Path(), "explain", "web", "--socket", p.socket).CombinedOutput(); err != nil || !strings.Contains(string(text), e.Routers[0].Text) {
		t.Errorf("for people: %v\n%s", err, text)
	}
	if out, err := exec.Command(testbin.Path(), "explain", "wob", "--socket", p.socket).CombinedOutput(); err == nil || !strings.Contains(string(out), "there is no virtual router wob") {
		t.Errorf("of no router: %v\n%s", err, out)
	}
	return e
}
