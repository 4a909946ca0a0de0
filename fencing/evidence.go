package fencing

// Evidence is all that is known of one virtual router at a moment. Which of it is old
// enough to count is told by the fields that end in For and Passed; they are the only
// traces of time.
type Evidence struct {
	Prefer   Prefer
	Holding  bool // this node has the addresses, or is about to
	Wins     bool // this node comes before the other one: see Rank
	Tiebreak bool // this node may take without a vote

	Frozen bool // an operator wants nothing moved that need not be

	Paused  bool // this node did not run for longer than its gate is open
	Carrier bool // of the interface with the addresses
	Class   Class

	Ended    bool    // the other host's kernel says that its daemon has ended; that is not signed
	Adverts  bool    // the other node advertises, or did so within the down interval
	Silence  bool    // nothing was heard for the down interval, neither adverts nor heartbeats
	Linked   bool    // heartbeat links are configured
	Hearing  Hearing // the best of them
	Stale    bool    // what the other node says may be older than it waits before it takes
	DeafFor  bool    // OneWay for so long that the other node does not hear us
	Peer     Peer    // as the newest heartbeat has it, if Hearing is not Silent
	Conflict bool    // both hold, and have for so long that both know
	Worse    bool    // this node has been worse placed than the other for the hold time

	Gateway   Reach
	Answer    Answer // of an ARP or ND probe for the addresses
	PeerProxy Reach  // the other node's proxy, asked at its own address
	GateShut  bool   // enough time has passed for the other node's gate to have shut
	Vote      Vote
	Fence     Fence

	// Policies.
	StayIsolated   bool // isolated: keep
	ContestForeign bool // on_foreign_vip: contest
	ReleaseForeign bool // on_foreign_vip: release
	MustFence      bool // takeover: after_fence
}

// Peer is what the other node says of itself.
type Peer struct {
	Role  Role
	Class Class
	Hears bool // our adverts
	Asks  bool // for the addresses
	// Granted tells that an operator wants it to have them, and that this node has agreed.
	Granted bool
	// Since tells that it has heard from us since we gave the addresses up, or never held
	// them.
	Since bool
	// Missed tells that the other node, which comes first, did not take the addresses
	// within a down interval.
	Missed bool
}

// Prefer is what counts more when nobody can know who is alive.
type Prefer uint8

// The preferences.
const (
	Availability Prefer = iota // somebody holds the addresses
	Consistency                // no two hold them
)

// Answer is who answers for an address.
type Answer uint8

// The answers.
const (
	NotAsked   Answer = iota
	Nobody            // several probes, no answer
	ByPeer            // the other node's MAC address
	ByStranger        // somebody else's
)

// Vote is what the third party, a witness or a disk, says.
type Vote uint8

// The votes.
const (
	NoVoter Vote = iota // none is configured
	Granted
	Refused // the other node has it, and has not said since that it stands by
	Mute    // does not answer
	Expired // ours has run out
	Awaited // the question is on its way, or has not been asked
)

var voteWords = [...]string{"", "granted", "refused", "mute", "expired", "awaited"}

// String is a stable word; empty: there are no voters.
func (v Vote) String() string { return voteWords[v] }

// Fence is what became of fencing the other node.
type Fence uint8

// The results.
const (
	NoFence Fence = iota // none is configured, or it must not be used yet
	Armed                // not asked for, or to be asked for again
	Pending
	Fenced // the other host is off, or was
	Failed
)

var fenceWords = [...]string{"none", "armed", "pending", "done", "failed"}

// String is a stable word.
func (f Fence) String() string { return fenceWords[f] }
