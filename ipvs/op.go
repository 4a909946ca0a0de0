package ipvs

import (
	"fmt"
	"net/netip"
)

// Op is one change of the kernel's table.
type Op interface {
	fmt.Stringer
	isOp()
}

// AddService adds a service without servers.
type AddService struct {
	Key     Key
	Options Options
}

// EditService changes the options of a service; its servers and connections stay.
type EditService struct {
	Key     Key
	Options Options
}

// RemoveService removes a service with its servers.
type RemoveService struct{ Key Key }

// AddServer adds a server to a service.
type AddServer struct {
	Key    Key
	Server Server
}

// EditServer changes all of a server but its address; its connections stay.
type EditServer struct {
	Key    Key
	Server Server
}

// RemoveServer removes a server from a service.
type RemoveServer struct {
	Key     Key
	Address netip.AddrPort
}

// SetTimeouts sets all time-outs.
type SetTimeouts struct{ Timeouts Timeouts }

// StartSync starts a sync daemon.
type StartSync struct{ Sync Sync }

// StopSync stops the sync daemon of a role.
type StopSync struct{ Role Role }

func (AddService) isOp()    {}
func (EditService) isOp()   {}
func (RemoveService) isOp() {}
func (AddServer) isOp()     {}
func (EditServer) isOp()    {}
func (RemoveServer) isOp()  {}
func (SetTimeouts) isOp()   {}
func (StartSync) isOp()     {}
func (StopSync) isOp()      {}

func (o AddService) String() string    { return fmt.Sprintf("add %s: %s", o.Key, o.Options) }
func (o EditService) String() string   { return fmt.Sprintf("edit %s: %s", o.Key, o.Options) }
func (o RemoveService) String() string { return fmt.Sprintf("remove %s", o.Key) }
func (o AddServer) String() string     { return fmt.Sprintf("%s: add %s", o.Key, o.Server) }
func (o EditServer) String() string    { return fmt.Sprintf("%s: edit %s", o.Key, o.Server) }
func (o RemoveServer) String() string  { return fmt.Sprintf("%s: remove %s", o.Key, o.Address) }
func (o SetTimeouts) String() string {
	return fmt.Sprintf("set timeouts: tcp %s, tcp fin %s, udp %s", o.Timeouts.TCP, o.Timeouts.TCPFin, o.Timeouts.UDP)
}
func (o StartSync) String() string { return fmt.Sprintf("start sync %s", o.Sync) }
func (o StopSync) String() string  { return fmt.Sprintf("stop sync %s", o.Role) }
