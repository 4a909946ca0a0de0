package supervisor_test

import (
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The address on the interface is that of the daemon that runs the router.
func TestABarredRouterLeavesTheAddressesToTheOtherDaemon(t *testing.T) {
	s := play(t, base())
	s.tell(supervisor.Start{}, unit(active), good)
	s.wants(s.tell(supervisor.Barred{Router: "web", Problem: "another one"}))
	s.wantsNo(s.tell(link(vip), link(), link(vip)), "disown")
	s.out(supervisor.ReasonBarred)
	if got := s.tell(supervisor.Barred{Router: "web"}); !has(got, "web note address-found") || !has(got, "web disown") {
		t.Errorf("free again, with a dead daemon's address: it wants %q", got)
	}
	s.state("web", vrrp.Backup)
}

func TestARouterIsBarredWhileItHolds(t *testing.T) {
	s := holding(t, base())
	s.wants(s.tell(supervisor.Barred{Router: "web", Problem: "another one"}),
		"web send priority 0", "web disown", "web ACTIVE -> FAULT (barred)")
}
