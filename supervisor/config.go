// Package supervisor joins the deciders of one node: the proxy's guard with its
// restart ladder, the probes and the virtual routers. It does no I/O and reads no
// clock; package daemon does the doing.
package supervisor

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Config is one node of the pair.
type Config struct {
	Node    string // this node's name
	Peer    string // the other node's name
	Proxy   Proxy
	Probes  []probes.Config
	Routers []Router
	Hooks   Hooks // of the groups; a router has its own
	// Receivers are told of the transitions of every router.
	Receivers   []Receiver
	Heartbeat   Heartbeat
	Arbitration Arbitration
	Fence       Fence
	Balance     Balance
	// RestartWindow is how long the addresses may stay where they are between two daemons of
	// this node; zero: they are released when one ends.
	RestartWindow time.Duration
}

// Heartbeat is how the two nodes hear each other besides VRRP. The zero value: not at all.
type Heartbeat struct {
	Links       []HeartbeatLink
	Interval    time.Duration // between two messages on a link
	Patience    time.Duration // after which a link is silent
	Keys        []fencing.Key // the first one signs
	Self, Other netip.Addr    // the nodes' own addresses, which break ties
	Digest      uint64        // of the configuration, the same on both nodes
	Version     string        // of this software
}

// HeartbeatLink is one link, from this node's end.
type HeartbeatLink struct{ Local, Peer netip.AddrPort }

// Arbitration is how the pair decides when the nodes do not hear each other.
type Arbitration struct {
	KeepIsolated bool // a node that hears nobody, not even the gateway, keeps what it holds
	OnForeign    OnForeign
	// The loser of a conflict stays out for HoldOff, or until an operator clears that; with
	// StopProxy its proxy is stopped for as long.
	HoldOff      time.Duration
	UntilCleared bool
	StopProxy    bool
	Prefer       fencing.Prefer
	Tiebreak     bool          // this node may hold and take when nobody else is heard
	Voters       []Voter       // who grants the lease
	Lease        time.Duration // how long it lasts
}

// OnForeign is what is done about a stranger who has the addresses.
type OnForeign uint8

// What is done about a stranger.
const (
	AlertForeign   OnForeign = iota // nothing is taken from him, nor left to him; an operator is told
	ContestForeign                  // they are taken all the same
	ReleaseForeign                  // they are left to him, too, where he comes to an address that is held
)

// Proxy is the guarded proxy. The zero value guards nothing.
type Proxy struct {
	Unit    string       // systemd unit, or
	Command []string     // a child process
	Test    []string     // run before every restart; a failure forbids it
	Watch   []string     // its configuration: files, and directories with all below them
	Reload  ReloadPolicy // what is done when that changes

	TestTimeout    time.Duration
	RestartTimeout time.Duration
	StopTimeout    time.Duration // of a child process at the end, until what it serves is cut off
	Wait           time.Duration // after a restart, until the proxy must be good
	Attempts       int           // restarts before giving up
	Budget         int           // restarts within Window at the most
	Window         time.Duration
	Ladder         Ladder
	Retry          time.Duration // after giving up, until the ladder may try once more; 0: never
	RetryMax       time.Duration // Retry doubles up to this while giving up repeats
	GiveUpStops    bool          // a proxy that was given up is stopped
	Rise           int           // good looks in a row that end a failure
	Look           time.Duration // between two looks where no probe is configured
}

// Ladder is which rungs are left out; the zero value leaves out none.
type Ladder struct {
	SkipReload  bool
	SkipRestart bool // in order
	SkipKill    bool // a restart that SIGKILLs first
}

// Guarded tells whether there is a proxy to guard.
func (p *Proxy) Guarded() bool { return p.Unit != "" || len(p.Command) > 0 }

// Name is the unit's name, or the command's.
func (p *Proxy) Name() string {
	if p.Unit != "" || len(p.Command) == 0 {
		return p.Unit
	}
	return p.Command[0]
}

// Router is one virtual router on one interface.
type Router struct {
	Name      string
	Interface string
	VRRP      vrrp.Config
	Format    vrrp.Format
	Addresses []Address
	// AdvertInterface carries the adverts instead of Interface; empty: Interface.
	AdvertInterface string
	VirtualMAC      VirtualMAC
	Group           string // routers of one group move together; empty: alone
	Track           []Track
	Burst           int  // gratuitous ARP frames or neighbour advertisements an address and announcement
	Replies         bool // gratuitous ARP as a reply as well
	Hooks           Hooks
	// FlapWindow is for how long the loss of the addresses by this node's own fault counts:
	// each doubles VRRP.PreemptDelay, up to PreemptDelayMax. Zero: none does.
	FlapWindow, PreemptDelayMax time.Duration
	// Source is this node's own address of the configuration. The router sends from
	// it where the interface has it, else from the interface's first address.
	Source netip.Addr
	// Peer is the other node's, for messages; invalid where adverts come from another one.
	Peer netip.Addr
}

// AdvertsOn is the interface that carries the adverts.
func (r *Router) AdvertsOn() string {
	if r.AdvertInterface != "" {
		return r.AdvertInterface
	}
	return r.Interface
}

// Holder is the interface that has the addresses while the router is Active.
func (r *Router) Holder() string {
	if r.VirtualMAC.Name != "" {
		return r.VirtualMAC.Name
	}
	return r.Interface
}

// Links are the interfaces that the router has to do with, each once.
func (r *Router) Links() []string {
	links := []string{r.Interface}
	add := func(name string) {
		if !slices.Contains(links, name) {
			links = append(links, name)
		}
	}
	add(r.AdvertsOn())
	add(r.Holder())
	for i := range r.Track {
		add(r.Track[i].Interface)
	}
	return links
}

// IPv6 tells the family of the router's addresses.
func (r *Router) IPv6() bool {
	return len(r.VRRP.Addresses) > 0 && !r.VRRP.Addresses[0].Is4()
}

// Unicast tells that adverts go to a peer.
func (r *Router) Unicast() bool { return len(r.Format.Peers) > 0 }

// Sender is where adverts come from, given what the interface has: the configured source
// if it is there, else the first address of the router's family that is not virtual; over
// IPv6 a link-local one (RFC 9568 5.1.2.1), unless adverts go to a peer.
func (r *Router) Sender(have []netip.Prefix, virtual func(netip.Addr) bool) netip.Addr {
	var first netip.Addr
	for _, p := range have {
		a := p.Addr()
		switch {
		case a == r.Source && r.sends(a):
			return a
		case !first.IsValid() && r.sends(a) && !virtual(a):
			first = a
		}
	}
	return first
}

// sends tells whether adverts may come from an address.
func (r *Router) sends(a netip.Addr) bool {
	if !r.IPv6() {
		return a.Is4()
	}
	return a.Is6() && (a.IsLinkLocalUnicast() || r.Unicast())
}

// sourceWord is what sends wants.
func (r *Router) sourceWord() string {
	switch {
	case !r.IPv6():
		return "IPv4 address"
	case r.Unicast():
		return "IPv6 address"
	}
	return "link-local IPv6 address"
}

// VirtualMAC is the macvlan that has the virtual MAC address (RFC 9568 7.3) and holds
// the addresses. The zero value: the interface holds them under its own.
type VirtualMAC struct {
	Name     string // of the macvlan, 15 bytes at most
	FromBase bool   // adverts keep the interface's own MAC address
}

// Track is an interface that a router depends on.
type Track struct {
	Interface string
	Need      Need
	Address   netip.Addr // for NeedAddress: this one; invalid: any
	// Weight changes the priority as keepalived's does: a positive one is added while
	// the need is met, a negative one while it is not; Reverse turns that round. Zero:
	// an unmet need takes the router out.
	Weight  int
	Reverse bool
}

// Need is what a tracked interface must have.
type Need uint8

// The needs; each includes the ones before it.
const (
	NeedAdmin   Need = iota // administratively up
	NeedCarrier             // and carrier
	NeedAddress             // and an address
)

// Address is one virtual address as it lies on the interface.
type Address struct {
	Prefix        netip.Prefix
	Label         string // empty, or interface:name
	NoPrefixRoute bool
}
