package notifynet

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// served is a change of the service "shop".
func served(a ipvs.Action) ServerChange {
	key := ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")}
	return ServerChange{PoolAction: supervisor.PoolAction{Service: key, Name: "shop", Action: a}, Node: "lb01", Peer: "lb02"}
}

var one = netip.MustParseAddrPort("10.0.0.11:80")

func TestEachChangeOfServersHasItsHookInTheirOrder(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `echo "$@" "$PAIRKEEPER_SERVER" $PAIRKEEPER_STATE >>$out`)
	hooks := supervisor.ServerHooks{Up: hook(path, "up"), Down: hook(path, "down"), QuorumUp: hook(path, "enough"), QuorumDown: hook(path, "few")}
	for _, a := range []ipvs.Action{ipvs.ServerDown{Server: one}, ipvs.QuorumLost{}, ipvs.ServerUp{Server: one}, ipvs.QuorumGained{}} {
		h.Served(served(a), hooks)
		h.Served(served(a), supervisor.ServerHooks{}) // runs nothing
	}
	want := []string{"down 10.0.0.11:80 DOWN", "few  DOWN", "up 10.0.0.11:80 UP", "enough  UP"}
	if got := lines(t, out, len(want)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAServersHookIsToldByItsEnvironment(t *testing.T) {
	h, _ := start(t)
	path, out := script(t, `env | grep PAIRKEEPER | sort >$out.new; mv $out.new $out`)
	h.Served(served(ipvs.ServerDown{Server: one, Why: "connection refused"}), supervisor.ServerHooks{Down: hook(path)})
	want := []string{
		"PAIRKEEPER_DETAIL=connection refused", "PAIRKEEPER_HOOK=down", "PAIRKEEPER_NODE=lb01", "PAIRKEEPER_PEER=lb02", "PAIRKEEPER_REASON=server-down",
		"PAIRKEEPER_SERVER=10.0.0.11:80", "PAIRKEEPER_SERVICE=tcp 10.0.0.3:80", "PAIRKEEPER_STATE=DOWN", "PAIRKEEPER_VIRTUAL_SERVER=shop",
	}
	if got := lines(t, out, 1); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAFailingHookOfAServerSaysWhose(t *testing.T) {
	h, log := start(t)
	path, _ := script(t, `exit 3`)
	h.Served(served(ipvs.QuorumLost{Weight: 1, Needed: 2}), supervisor.ServerHooks{QuorumDown: hook(path)})
	log.waitFor(t, "shop quorum: hook quorum_down (DOWN): ")
}
