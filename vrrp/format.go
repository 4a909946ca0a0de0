package vrrp

import (
	"net/netip"
	"time"
)

// Format is how the adverts of one virtual router are written and which are accepted.
type Format struct {
	Version  Version
	VRID     uint8
	Auth     Auth
	Checksum Checksum
	// Peers are where adverts go to, and come from, one by one; none: the multicast
	// group. AnySource accepts unicast adverts of others as well.
	Peers     []Peer
	AnySource bool
}

// Peer is another router that gets its adverts by unicast. MinTTL and MaxTTL limit the
// TTL or hop limit of what arrives from it; a MaxTTL of 0 is 255.
type Peer struct {
	Address        netip.Addr
	MinTTL, MaxTTL uint8
}

// AuthType is the authentication of a virtual router.
type AuthType uint8

// The authentications (RFC 2338 10).
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1 // version 2: a password in clear text
	AuthAH   AuthType = 2 // version 2: IP Authentication Header, HMAC-MD5-96 (RFC 2402, RFC 2403)
	AuthHMAC AuthType = 3 // version 3: keepalived's auth_hmac; no number of the wire
)

// Auth is an authentication with its secrets, which it does not print.
type Auth struct {
	Type AuthType
	Key  []byte // AuthPass, AuthAH: 1..8 bytes

	// For AuthHMAC: the first key signs, every one verifies; Window is how far a
	// sender's clock may be off when it is heard for the first time, see Replay.Check.
	Keys   []HMACKey
	Mode   HMACMode
	Window time.Duration
}

// HMACKey is one key of AuthHMAC; its secret is not printed.
type HMACKey struct {
	ID     uint8  // 1..255
	Secret []byte // 32..64 bytes
}

// HMACMode is a step on the way from no authentication to AuthHMAC.
type HMACMode uint8

// The modes.
const (
	HMACEnforce     HMACMode = iota // signs, accepts only what is signed
	HMACPermissive                  // signs, accepts what is not signed, too
	HMACReceiveOnly                 // does not sign, accepts both
)

// Checksum is the rule for the checksum of VRRPv3 over IPv4.
type Checksum uint8

// The rules: senders differ, so both are accepted from others.
const (
	ChecksumPseudo Checksum = iota // with the pseudo-header (RFC 5798)
	ChecksumPlain                  // the message alone (RFC 9568 5.2.8)
)

// Refusal says why a packet was refused: a stable word. Empty: accepted.
type Refusal string
