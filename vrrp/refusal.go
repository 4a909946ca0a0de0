package vrrp

import "slices"

// Why Parse refuses a message, in the order of its checks. The words are stable:
// they are labels of counters and appear in logs.
const (
	// RefusalTTL: the TTL or hop limit is not 255, so a router forwarded the packet
	// and it does not come from this link (RFC 9568 5.1.1.3, 5.1.2.3, 7.1).
	RefusalTTL Refusal = "ttl"
	// RefusalCARP: a BSD host speaks CARP, which shares VRRP's protocol number and
	// group. It is no error of a VRRP router; only its VHID should differ from a
	// VRID in use, since both derive the same virtual MAC address.
	RefusalCARP Refusal = "carp"
	// RefusalLength: the message is shorter than its fields, or longer by more than
	// the padding of a minimal Ethernet frame (RFC 9568 7.1).
	RefusalLength Refusal = "length"
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
	// RefusalChecksum: wrong under every rule that a sender may follow (RFC 9568
	// 5.2.8, RFC 5798 5.2.8, RFC 3768 5.3.8).
	RefusalChecksum Refusal = "checksum"
	// RefusalAuthType: authenticated in another way than this virtual router (RFC
	// 2338 5.3.6, 7.1).
	RefusalAuthType Refusal = "auth-type"
	// RefusalAuthMismatch: the right authentication with another secret (RFC 2338
	// 7.1, 10.2).
	RefusalAuthMismatch Refusal = "auth-mismatch"
)

// refusals is in the order of the checks.
var refusals = []Refusal{
	RefusalTTL,
	RefusalCARP,
	RefusalLength,
	RefusalVersion,
	RefusalType,
	RefusalFamily,
	RefusalVRID,
	RefusalNoAddresses,
	RefusalIntervalZero,
	RefusalChecksum,
	RefusalAuthType,
	RefusalAuthMismatch,
}

// Refusals lists every Refusal that Parse gives, for one counter each.
func Refusals() []Refusal { return slices.Clone(refusals) }

// Remedy tells an operator what to do about a refusal.
func (r Refusal) Remedy() string {
	switch r {
	case RefusalTTL:
		return "a router forwarded it: keep VRRP on its own link"
	case RefusalCARP:
		return "a BSD host speaks CARP here: give it a VHID that is no VRID of yours"
	case RefusalLength, RefusalType, RefusalNoAddresses, RefusalIntervalZero, RefusalFamily:
		return "the sender does not speak proper VRRP: find it by its address"
	case RefusalVersion:
		return "set the same version: on both nodes"
	case RefusalVRID:
		return "another pair: give each pair on a link its own vrid:"
	case RefusalChecksum:
		return "damaged on the way, or a sender with a rule of its own for the checksum"
	case RefusalAuthType:
		return "set the same auth.type: on both nodes"
	case RefusalAuthMismatch:
		return "set the same auth.password: on both nodes"
	}
	return ""
}
