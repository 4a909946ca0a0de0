package vrrp

// Format is how the adverts of one virtual router are written and which are accepted.
type Format struct {
	Version  Version
	VRID     uint8
	Auth     Auth
	Checksum Checksum
}

// AuthType is the authentication of a virtual router.
type AuthType uint8

// The authentications (RFC 2338 10).
const (
	AuthNone AuthType = 0
	AuthPass AuthType = 1
)

// Auth is an authentication with its secret.
type Auth struct {
	Type AuthType
	Key  []byte // AuthPass: 1..8 bytes
}

// Checksum is the rule for the checksum of VRRPv3 over IPv4.
type Checksum uint8

// The rules: senders differ, so both are accepted from others.
const (
	ChecksumPseudo Checksum = iota // with the pseudo-header (RFC 5798)
	ChecksumPlain                  // the message alone (RFC 9568 5.2.8)
)

// Refusal says why a packet was refused: a stable word. Empty: accepted.
type Refusal string
