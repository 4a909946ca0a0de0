package supervisor

import (
	"slices"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/probes"
)

// Balance is what the kernel's IPVS is to do on this node. The zero value: it is left alone.
type Balance struct {
	Services   []VirtualServer
	Timeouts   ipvs.Timeouts
	Sync       SyncDaemon
	KeepOnStop bool // what is ours stays when the daemon ends
}

// VirtualServer is one service with its real servers, their checks and who is told.
type VirtualServer struct {
	Name   string // of the virtual server, which may have several services
	Pool   ipvs.Config
	Checks [][]probes.Config // of each server of Pool; see probes.Config.At
	Router string            // it is served while this one is Active; empty: always
	Hooks  ServerHooks
}

// ServerHooks are the programs that are run when servers or the quorum come and go.
type ServerHooks struct{ Up, Down, QuorumUp, QuorumDown Hook }

// SyncDaemon is how the nodes tell each other their connections. The zero value: not.
type SyncDaemon struct {
	Interface string
	ID        uint8
	Router    string // who has this one Active tells, the other node listens
}

// Set tells whether the kernel's IPVS is used at all.
func (b *Balance) Set() bool {
	return len(b.Services) > 0 || b.Sync.Interface != "" || b.Timeouts != ipvs.Timeouts{}
}

// Find returns the place of a service; -1: it is none.
func (b *Balance) Find(k ipvs.Key) int {
	return slices.IndexFunc(b.Services, func(s VirtualServer) bool { return s.Pool.Key == k })
}
