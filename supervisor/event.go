package supervisor

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Event is what a Node is told. Its String is one line of the trace.
type Event interface {
	fmt.Stringer
	isEvent()
}

// Start begins. Session is drawn at random for this life of the daemon.
type Start struct {
	Session uint64
	Fenced  bool // as the daemon before was told last, see Remember
	Resumed []Bridged
}

// Stop leaves, releasing what is held. Where another daemon of this node is about to go on,
// the addresses may stay For so long.
type Stop struct{ For time.Duration }

// HeartbeatHeard is a message of the other node that is signed.
type HeartbeatHeard struct {
	Link      int
	Heartbeat *fencing.Heartbeat
	Ahead     time.Duration // how far the other node's clock is ahead of this one's, less what the message took
	Proxy     uint64        // identifies the files of this node's proxy, as Heartbeat.Proxy does the other one's; 0: not known
}

// HeartbeatGone tells that the other host's kernel says that nobody listens there.
type HeartbeatGone struct{ Link int }

// Clear lets routers that stay out after a conflict take part again.
type Clear struct{}

// VoteCast answers AskVote.
type VoteCast struct {
	Router string
	Cast   fencing.Cast
}

// UnitChanged tells what the proxy's unit has become.
type UnitChanged struct{ State UnitState }

// Looked is the result of one look of one probe.
type Looked struct {
	Probe    string // its name
	OK       bool
	Answered bool // somebody answered, though not as wanted
	Refused  bool // the host answered that nobody listens there
	Value    int  // of a file that has one
	Detail   string
}

// TestDone answers RunTest; Problem is empty when the test passed.
type TestDone struct {
	Problem string
	For     Asker
}

// RestartDone answers Restart; Problem is empty when the proxy was started.
type RestartDone struct {
	Problem string
	Limited bool // systemd refused the start because of its start limit
	Unseen  bool // the order was given, but nobody saw how it ended
}

// HaltDone answers Halt; Problem is empty when the proxy was stopped.
type HaltDone struct{ Problem string }

// ReloadDone answers Reload; Problem is empty when the proxy took its configuration.
type ReloadDone struct {
	Problem string
	For     Asker
}

// ProxyConfigChanged tells what lies on the disk as the proxy's configuration.
type ProxyConfigChanged struct {
	Hash    string        // of the content of all its files
	Paths   []string      // those that differ from what was told last
	Written time.Duration // when the last of them was written, on the clock of UnitState.Loaded
	First   bool          // the first look at these files
	Problem string        // they cannot be looked at, for this reason
}

// LinkChanged tells what an interface is like now.
type LinkChanged struct {
	Interface string
	Exists    bool
	Enabled   bool // administratively up
	Up        bool // that, and carrier
	Addresses []netip.Prefix
	Restored  []netip.Prefix // those of them that somebody removed, and that are back
	Tentative []netip.Prefix // IPv6: tried out still, not to be sent from (RFC 4862 5.4)
	Duplicate []netip.Prefix // IPv6: tried out, somebody else has them
	Problem   string         // why it cannot be used all the same
	Anew      bool           // it has another MAC address, or is another one of that name
	MAC       fencing.MAC    // zero: it has none, or not one of Ethernet
}

// RouterEvent is an event of one virtual router.
type RouterEvent struct {
	Router string // its name
	Event  vrrp.Event
}

// OwnFailed answers Own of a router: the kernel refused the addresses; or, Early, would
// refuse them.
type OwnFailed struct {
	Router  string
	Problem string
	Early   bool
}

// Barred tells that a router cannot be run here for now; an empty Problem: that it can.
type Barred struct {
	Router  string
	Problem string
}

// Reconfigured changes the configuration; what did not change keeps its state.
type Reconfigured struct{ Config Config }

// Tick tells that time has passed.
type Tick struct{}

func (Start) isEvent()              {}
func (Stop) isEvent()               {}
func (UnitChanged) isEvent()        {}
func (Looked) isEvent()             {}
func (TestDone) isEvent()           {}
func (RestartDone) isEvent()        {}
func (ReloadDone) isEvent()         {}
func (ProxyConfigChanged) isEvent() {}
func (LinkChanged) isEvent()        {}
func (RouterEvent) isEvent()        {}
func (OwnFailed) isEvent()          {}
func (Barred) isEvent()             {}
func (Reconfigured) isEvent()       {}
func (Tick) isEvent()               {}
func (HaltDone) isEvent()           {}

func (Clear) isEvent()          {}
func (HeartbeatHeard) isEvent() {}
func (VoteCast) isEvent()       {}
func (HeartbeatGone) isEvent()  {}

func (e HeartbeatHeard) String() string {
	return fmt.Sprintf("heartbeat of %s on link %d", e.Heartbeat.Node, e.Link)
}
func (e VoteCast) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s voter %d: %s %s", e.Router, e.Cast.Voter, e.Cast.Verdict, e.Cast.Owner+e.Cast.Problem))
}
func (e HeartbeatGone) String() string {
	return fmt.Sprintf("heartbeat link %d: nobody listens", e.Link)
}

func (Start) String() string         { return "start" }
func (Stop) String() string          { return "stop" }
func (Tick) String() string          { return "tick" }
func (Clear) String() string         { return "clear" }
func (Reconfigured) String() string  { return "reconfigured" }
func (e UnitChanged) String() string { return "unit " + e.State.String() }
func (e TestDone) String() string    { return "test" + e.For.suffix() + " " + passed(e.Problem) }
func (e RestartDone) String() string { return "restart " + passed(e.Problem) }
func (e ReloadDone) String() string  { return "reload" + e.For.suffix() + " " + passed(e.Problem) }
func (e ProxyConfigChanged) String() string {
	if e.Problem != "" {
		return "proxy's configuration unwatched: " + e.Problem
	}
	return strings.TrimSuffix(fmt.Sprintf("proxy's configuration %.8s %s", e.Hash, strings.Join(e.Paths, " ")), " ")
}
func (e HaltDone) String() string { return "halt " + passed(e.Problem) }
func (e OwnFailed) String() string {
	return fmt.Sprintf("%s own failed: %s", e.Router, e.Problem)
}
func (e Barred) String() string {
	return fmt.Sprintf("%s barred: %s", e.Router, e.Problem)
}
func (e RouterEvent) String() string {
	return fmt.Sprintf("%s %s", e.Router, eventText(e.Event))
}
func (e LinkChanged) String() string {
	words := []string{"link", e.Interface}
	switch {
	case !e.Exists:
		words = append(words, "missing")
	case !e.Up:
		words = append(words, "down")
	default:
		words = append(words, "up")
	}
	for _, a := range e.Addresses {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

func (e Looked) String() string {
	if e.OK {
		return fmt.Sprintf("probe %s good", e.Probe)
	}
	return fmt.Sprintf("probe %s bad: %s", e.Probe, e.Detail)
}

// String is the state in systemd's words.
func (u UnitState) String() string {
	if u.Lost != "" {
		return "lost: " + u.Lost
	}
	words := []string{u.Active}
	if u.Load != "" && u.Load != "loaded" {
		words[0] = u.Load
	}
	if u.Result != "" && u.Result != "success" {
		words = append(words, u.Result)
	}
	if u.Exit != "" {
		words = append(words, u.Exit)
	}
	if u.Job != "" {
		words = append(words, "job="+u.Job)
	}
	if u.StopAsked {
		words = append(words, "stop-asked")
	}
	return strings.Join(words, " ")
}

func passed(problem string) string {
	if problem == "" {
		return "ok"
	}
	return "failed: " + problem
}

func eventText(ev vrrp.Event) string {
	switch ev := ev.(type) {
	case vrrp.Received:
		return fmt.Sprintf("advert %d from %s", ev.Advert.Priority, ev.From)
	case vrrp.Answered:
		return "answered by " + ev.Holder
	case vrrp.Claimed:
		return "claimed by " + ev.By
	case vrrp.Owned:
		return "owned"
	}
	return fmt.Sprintf("%T", ev)
}
