package supervisor

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Action is what a Node wants done, in the order given.
type Action interface {
	fmt.Stringer
	isAction()
}

// RouterAction is an action of one virtual router.
type RouterAction struct {
	Router string // its name
	Action vrrp.Action
}

// RunTest wants the proxy's test run, answered by TestDone.
type RunTest struct{ For Asker }

// Restart wants the proxy restarted, answered by RestartDone.
type Restart struct {
	Kill  bool // SIGKILL first: it is hung, an orderly stop would wait for it
	Reset bool // clear systemd's start limit first
}

// Halt wants the proxy stopped, answered by HaltDone.
type Halt struct{}

// Reload wants the proxy to read its configuration again without a restart, answered by
// ReloadDone.
type Reload struct{ For Asker }

// Beat wants a heartbeat signed and sent on a link.
type Beat struct {
	Link      int
	Heartbeat fencing.Heartbeat
}

// AskVote wants a voter asked for a lease, answered by VoteCast.
type AskVote struct {
	Router string // the first of its group
	Lease  string // the same on both nodes
	Call   fencing.Call
}

// LookNow wants every probe to look at once, or only those of the gateway, or of the other
// node.
type LookNow struct{ Gateway, Peer bool }

// Concerns tells whether a probe is to look.
func (a LookNow) Concerns(act probes.Act) bool {
	switch {
	case a.Gateway:
		return act == probes.Arbitrate
	case a.Peer:
		return act == probes.AskPeer
	}
	return true
}

// Bridged tells which addresses a daemon that is about to end has left where they are, for the
// next one to resume with: see Start.
type Bridged struct {
	Router    string
	VRID      uint8
	Interface string
	Addresses []netip.Addr
	Until     time.Time // then the kernel lets go of them
	Since     time.Time // when the router became Active
	// Favoured tells that an operator wants the router to hold here, until FavouredUntil if that
	// is set; Forced that he does whatever speaks against it.
	Favoured, Forced bool
	FavouredUntil    time.Time
}

// Bridge wants that remembered beyond the end of the daemon, which ends with it.
type Bridge struct{ Routers []Bridged }

// Configure wants the resources of another configuration; what was asked for before
// it belongs to the old one.
type Configure struct{ Config Config }

// Note tells what an operator should know. Router is empty where it is about the node.
type Note struct {
	Router string
	Reason vrrp.Reason
	Detail string
}

func (RouterAction) isAction() {}
func (RunTest) isAction()      {}
func (Restart) isAction()      {}
func (Halt) isAction()         {}
func (Reload) isAction()       {}
func (Beat) isAction()         {}
func (AskVote) isAction()      {}
func (LookNow) isAction()      {}
func (Configure) isAction()    {}
func (Bridge) isAction()       {}
func (Note) isAction()         {}

func (a RouterAction) String() string { return fmt.Sprintf("%s %s", a.Router, a.Action) }
func (a RunTest) String() string      { return "run test" + a.For.suffix() }
func (a Reload) String() string       { return "reload" + a.For.suffix() }
func (Halt) String() string           { return "halt" }
func (a Beat) String() string         { return fmt.Sprintf("beat on link %d", a.Link) }
func (a AskVote) String() string {
	return fmt.Sprintf("%s ask voter %d: %s", a.Router, a.Call.Voter, a.Call.Kind)
}
func (a LookNow) String() string {
	if a.Gateway {
		return "look for the gateway"
	}
	if a.Peer {
		return "look for the other node"
	}
	return "look now"
}
func (Configure) String() string { return "configure" }
func (a Bridge) String() string  { return fmt.Sprintf("bridge %d routers", len(a.Routers)) }
func (a Restart) String() string {
	s := "restart"
	if a.Kill {
		s = "kill and " + s
	}
	if a.Reset {
		s += " after reset-failed"
	}
	return s
}
func (a Note) String() string {
	if a.Router == "" {
		return fmt.Sprintf("note %s: %s", a.Reason, a.Detail)
	}
	return fmt.Sprintf("%s note %s: %s", a.Router, a.Reason, a.Detail)
}
