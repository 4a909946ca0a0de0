package trace

import (
	"reflect"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// registry are the types that an interface of an event, of the configuration or of the
// Node's state may hold, by name. A new event is a line here.
var registry = byName(
	supervisor.Start{}, supervisor.Stop{}, supervisor.Clear{}, supervisor.Tick{}, supervisor.Reconfigured{},
	supervisor.HeartbeatHeard{}, supervisor.HeartbeatGone{}, supervisor.VoteCast{},
	supervisor.UnitChanged{}, supervisor.Looked{}, supervisor.Checked{}, supervisor.ProxyConfigChanged{},
	supervisor.TestDone{}, supervisor.RestartDone{}, supervisor.HaltDone{}, supervisor.ReloadDone{},
	supervisor.LinkChanged{}, supervisor.RouterEvent{}, supervisor.OwnFailed{}, supervisor.Barred{}, supervisor.HookDone{},
	supervisor.ShotDone{}, supervisor.FenceLooked{}, supervisor.FenceConfirmed{},
	supervisor.HandOver{}, supervisor.TakeForced{}, supervisor.SetMode{},

	vrrp.Startup{}, vrrp.Shutdown{}, vrrp.Received{}, vrrp.Reprioritized{}, vrrp.Retuned{}, vrrp.Rise{}, vrrp.Assure{},
	vrrp.Yield{}, vrrp.Overrule{}, vrrp.Delayed{}, vrrp.Owned{}, vrrp.Answered{}, vrrp.PeerEnded{}, vrrp.Readdressed{},
	vrrp.Claimed{}, vrrp.Vanished{}, vrrp.Shut{}, vrrp.Tick{}, vrrp.Bridge{}, vrrp.Seize{},

	probes.DNS{}, probes.Exec{}, probes.File{}, probes.Gateway{}, probes.HAProxy{}, probes.HTTP{}, probes.ICMP{}, probes.Interface{},
	probes.Process{}, probes.SMTP{}, probes.TCP{}, probes.UDP{}, probes.Unit{},
)

func byName(values ...any) map[string]reflect.Type {
	types := make(map[string]reflect.Type, len(values))
	for _, v := range values {
		t := reflect.TypeOf(v)
		types[t.String()] = t
	}
	return types
}
