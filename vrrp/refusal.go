package vrrp

import "slices"

// Why Parse refuses a packet, in the order of its checks, and then why Replay does. The
// words are stable: they are labels of counters and appear in logs.
const (
	// RefusalCARP: a BSD host speaks CARP, which shares VRRP's protocol number and
	// group. It is no error of a VRRP router; only its VHID should differ from a
	// VRID in use, since both derive the same virtual MAC address.
	RefusalCARP Refusal = "carp"
	// RefusalDestination: unicast to a router of the multicast group, or multicast to
	// one with peers.
	RefusalDestination Refusal = "destination"
	// RefusalSource: unicast from somebody who is no peer.
	RefusalSource Refusal = "source"
	// RefusalTTL: the TTL or hop limit is not 255, so a router forwarded the packet
	// and it does not come from this link (RFC 9568 5.1.1.3, 5.1.2.3, 7.1); from a
	// peer: outside of its limits.
	RefusalTTL Refusal = "ttl"
	// RefusalLength: the message is shorter than its fields, or longer by more than
	// the padding of a minimal Ethernet frame (RFC 9568 7.1).
	RefusalLength Refusal = "length"
	// RefusalAHMalformed: an IP Authentication Header that is not followed by VRRP, of
	// another length than HMAC-MD5-96 has, or with an SPI that is not the source.
	RefusalAHMalformed Refusal = "ah-malformed"
	// RefusalVersion: not the version of this virtual router (RFC 9568 5.2.1, 7.1).
	RefusalVersion Refusal = "version"
	// RefusalType: not an ADVERTISEMENT, the only type there is (RFC 9568 5.2.2).
	RefusalType Refusal = "type"
	// RefusalFamily: version 2 over IPv6, which does not exist (RFC 3768 1), or an
	// envelope without two addresses of one family.
	RefusalFamily Refusal = "family"
	// RefusalVRID: the advert of another virtual router (RFC 9568 7.1).
	RefusalVRID Refusal = "vrid"
	// RefusalNoAddresses: the address count is 0 (RFC 9568 5.2.5, erratum 8299).
	RefusalNoAddresses Refusal = "no-addresses"
	// RefusalIntervalZero: the interval is 0, so nobody could tell silence from
	// death (RFC 9568 5.2.7, erratum 8301; RFC 3768 5.3.7).
	RefusalIntervalZero Refusal = "interval-zero"
	// RefusalAuthType: authenticated in another way than this virtual router (RFC
	// 2338 5.3.6, 7.1).
	RefusalAuthType Refusal = "auth-type"
	// RefusalAuthMismatch: the right authentication of version 2 with another secret
	// (RFC 2338 7.1, 10.2, 10.3).
	RefusalAuthMismatch Refusal = "auth-mismatch"
	// RefusalHMACMissing: not signed, with HMACEnforce.
	RefusalHMACMissing Refusal = "hmac-missing"
	// RefusalHMACMalformed: a trailer of another kind.
	RefusalHMACMalformed Refusal = "hmac-malformed"
	// RefusalHMACUnknownKey: signed with a key that is not configured here.
	RefusalHMACUnknownKey Refusal = "hmac-unknown-key"
	// RefusalHMACBad: the signature does not fit: another secret under the same key
	// id, a changed message, or another sender.
	RefusalHMACBad Refusal = "hmac-bad"
	// RefusalChecksum: wrong under every rule that a sender may follow (RFC 9568
	// 5.2.8, RFC 5798 5.2.8, RFC 3768 5.3.8).
	RefusalChecksum Refusal = "checksum"

	// RefusalReplay: a sequence that this sender has used, or has just passed.
	RefusalReplay Refusal = "replay"
	// RefusalStale: a sequence from long ago, or of a clock that is wrong.
	RefusalStale Refusal = "stale"
)

// refusals is in the order of the checks.
var refusals = []Refusal{
	RefusalCARP,
	RefusalDestination,
	RefusalSource,
	RefusalTTL,
	RefusalLength,
	RefusalAHMalformed,
	RefusalVersion,
	RefusalType,
	RefusalFamily,
	RefusalVRID,
	RefusalNoAddresses,
	RefusalIntervalZero,
	RefusalAuthType,
	RefusalAuthMismatch,
	RefusalHMACMissing,
	RefusalHMACMalformed,
	RefusalHMACUnknownKey,
	RefusalHMACBad,
	RefusalChecksum,
	RefusalReplay,
	RefusalStale,
}

// Refusals lists every Refusal that Parse and Replay give, for one counter each.
func Refusals() []Refusal { return slices.Clone(refusals) }

// Remedy tells an operator what to do about a refusal.
func (r Refusal) Remedy() string {
	switch r {
	case RefusalCARP:
		return "a BSD host speaks CARP here: give it a VHID that is no VRID of yours"
	case RefusalDestination:
		return "one node uses unicast, the other multicast: give both or neither the unicast peers"
	case RefusalSource:
		return "not a unicast peer: add it to the peers, or find out who sends this"
	case RefusalTTL:
		return "a router forwarded it: keep VRRP on its own link, or allow the lower TTL for this unicast peer"
	case RefusalLength, RefusalType, RefusalNoAddresses, RefusalIntervalZero, RefusalFamily, RefusalAHMalformed:
		return "the sender does not speak proper VRRP: find it by its address"
	case RefusalVersion:
		return "set the same version: on both nodes"
	case RefusalVRID:
		return "another pair: give each pair on a link its own vrid:"
	case RefusalAuthType:
		return "set the same auth.type: on both nodes"
	case RefusalAuthMismatch:
		return "set the same auth.password: on both nodes"
	case RefusalHMACMissing:
		return "the sender does not sign: give it the same auth, or set auth.mode: permissive here until it does"
	case RefusalHMACMalformed:
		return "signed in a way that is not known here: upgrade the older of the two nodes"
	case RefusalHMACUnknownKey:
		return "add the sender's key to the keys of this node; to change a key, add it on both nodes before one signs with it"
	case RefusalHMACBad:
		return "the key of this id differs: set the same secret on both nodes; if it is the same, somebody forges adverts"
	case RefusalChecksum:
		return "damaged on the way, or a sender with a rule of its own for the checksum"
	case RefusalReplay:
		return "the same advert twice: a loop or a mirrored port in the network, or somebody plays it back; also for moments after a sender restarts with its clock set back"
	case RefusalStale:
		return "the sender's clock is wrong, or this node's, or somebody plays old adverts back: synchronise the clocks of both nodes, then restart the sender"
	}
	return ""
}
