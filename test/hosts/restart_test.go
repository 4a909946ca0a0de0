package hosts

import (
	"strings"
	"testing"
	"time"
)

// restarts is how often the Active node's daemon is replaced.
const restarts = 50

// An upgrade is a restart: of the Active node's daemon, and of the Backup's.
func TestARestartMovesNothingAndLosesNoRequest(t *testing.T) {
	p := newReferredPair(t, "")
	was := len(p.journal(p.b))
	p.mark()
	for i := range restarts {
		p.a.Run(t, "systemctl", "restart", "pairkeeper")
		if i%10 == 9 {
			p.b.Run(t, "systemctl", "restart", "pairkeeper")
			p.await(p.b, "the heartbeat is heard both ways", bothWays)
		}
	}
	time.Sleep(time.Second)
	o := p.client.Outage()
	t.Logf("%d restarts: %v; two holders: %s: %s", restarts, o, p.census.DualTime(), p.census)
	if o.Failed > 0 {
		t.Errorf("%d requests failed", o.Failed)
	}
	p.onlyBy("lb01")
	p.neverTwo()
	if said := p.journal(p.b)[was:]; strings.Contains(said, "-> ACTIVE") {
		t.Errorf("lb02 became Active:\n%s", said)
	}
	p.wantJournal(p.a, "INIT -> ACTIVE (resumed)")

	p.a.Write(t, "/etc/systemd/system/pairkeeper.service.d/wrong.conf", "[Service]\nExecStart=\nExecStart=/bin/false\nExecStopPost=\n", 0o644)
	p.a.Run(t, "systemctl", "daemon-reload")
	p.mark()
	if out, err := p.a.Try("systemctl", "restart", "pairkeeper"); err == nil {
		t.Errorf("it began: %s", out)
	}
	p.client.WaitFor(t, "lb02", soon)
	o = p.client.Outage()
	t.Logf("the next daemon does not begin: %v; two holders: %s: %s", o, p.census.DualTime(), p.census)
	p.neverTwo()
	p.wantJournal(p.b, "lb01 restarts, and has 3s to come back (peer-restarts)")
}
