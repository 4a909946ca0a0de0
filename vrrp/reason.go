package vrrp

// Reason says why: a stable word for logs, metrics and tests.
type Reason string

// Why a router changed its state.
const (
	ReasonStarted       Reason = "started"        // takes part, listens first
	ReasonOwner         Reason = "owner"          // priority 255 starts as Active (RFC 9568 6.4.1)
	ReasonPeerSilent    Reason = "peer-silent"    // nothing heard for the down interval
	ReasonPeerEnded     Reason = "peer-ended"     // its daemon has ended, which its kernel says
	ReasonPeerReleased  Reason = "peer-released"  // the Active router sent priority 0
	ReasonAlone         Reason = "alone"          // nobody heard since the start
	ReasonPreempts      Reason = "preempts"       // the Active router has a lower priority
	ReasonHigherAdvert  Reason = "higher-advert"  // somebody with a higher priority is Active
	ReasonHigherAddress Reason = "higher-address" // same priority, higher address
	ReasonOutranked     Reason = "outranked"      // the priority fell below the other router's
	ReasonUnclaimed     Reason = "unclaimed"      // left the addresses to the other router, which did not come
	ReasonGroup         Reason = "group"          // another router of the group left
	ReasonRestarts      Reason = "restarts"       // this process ends, another one of the node goes on
	ReasonResumed       Reason = "resumed"        // goes on where the process before left
	ReasonPaused        Reason = "paused"         // did not run for a down interval: listens before it asserts
)

// What a router noted without a change of state.
const (
	ReasonLowerAdvert     Reason = "lower-advert"     // another Active router, of lower priority
	ReasonOwnerConflict   Reason = "owner-conflict"   // two routers with priority 255 (RFC 9568 8.3.2)
	ReasonIntervalAdopted Reason = "interval-adopted" // the Active router's interval differs from ours
	ReasonIntervalRefused Reason = "interval-refused" // version 2 routers with different intervals (RFC 3768 7.1)
	ReasonAddressList     Reason = "address-list"     // the other router's addresses differ from ours
	ReasonForeignRouter   Reason = "foreign-router"   // another pair uses our VRID: none of its addresses is ours
	ReasonOwnAdvert       Reason = "own-advert"       // an advert from our own address came back
	ReasonAddressAnswered Reason = "address-answered" // somebody still answers for an address
	ReasonAddressContest  Reason = "address-contest"  // taken though somebody still answered
	ReasonAddressClaimed  Reason = "address-claimed"  // somebody else announced an address held here
	ReasonAddressVanished Reason = "address-vanished" // somebody removed an address held here
	ReasonGateShut        Reason = "gate-shut"        // the kernel shut the gate of an address held here
)

// Remedy tells an operator what to do about what a router noted; empty: nothing.
func (r Reason) Remedy() string {
	switch r {
	case ReasonLowerAdvert:
		return "it does not hear this node: look for a firewall or a switch that drops VRRP in one direction"
	case ReasonOwnerConflict:
		return "only one node can own the addresses: give the other one a priority below 255"
	case ReasonIntervalRefused:
		return "set the same advert_interval: on both nodes: until then both hold the addresses"
	case ReasonAddressList:
		return "give both nodes the same addresses:"
	case ReasonForeignRouter:
		return "another pair on this network has our vrid: give one of the two another"
	case ReasonOwnAdvert:
		return "look for a loop in the network, or for a host with our address"
	case ReasonAddressContest:
		return "find out by its MAC address who keeps the address, and take it away there"
	case ReasonAddressClaimed:
		return "find out by its MAC address who has the address, too"
	case ReasonAddressVanished:
		return "find out who removes it: NetworkManager, systemd-networkd, a script"
	case ReasonGateShut:
		return "find out what kept the daemon or nf_tables waiting: a host that was stopped or too busy, somebody who loads a large ruleset"
	}
	return ""
}
