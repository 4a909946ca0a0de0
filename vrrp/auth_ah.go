package vrrp

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"math"
)

// The IP Authentication Header as keepalived sends it (RFC 2402 2, RFC 2403): the SPI
// is the source address, the ICV the first 96 bits of HMAC-MD5.
//
//	 0             1        2 3        4 5 6 7   8        12
//	| next header | length | reserved | SPI     | sequence | ICV |
const (
	ahLen = 24

	ahPayloadLen = ahLen/4 - 2 // in words, without the first two
	offSPI       = 4
	offSequence  = 8
	offICV       = 12

	maxSequenceAH = math.MaxUint32
	maxAHMessage  = headerLen + maxAddresses*4 + authDataLen
)

// appendAH appends the header with an ICV of 0.
func appendAH(b []byte, sequence uint64, env Envelope) []byte {
	spi := env.Source.As4()
	b = append(b, Protocol, ahPayloadLen, 0, 0)
	b = append(b, spi[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(sequence))
	return append(b, make([]byte, ahLen-offICV)...)
}

// cutAH takes the header off a received packet that has one.
func cutAH(b []byte, env Envelope) (packet, Refusal) {
	if env.Protocol != ProtocolAH {
		return packet{env: env, msg: b}, ""
	}
	if len(b) < ahLen {
		return packet{}, RefusalLength
	}
	if b[0] != Protocol || b[1] != ahPayloadLen || b[2] != 0 || b[3] != 0 {
		return packet{}, RefusalAHMalformed
	}
	return packet{env: env, ah: b[:ahLen], msg: b[ahLen:]}, ""
}

// signAH writes the ICV.
func (f Format) signAH(p packet) {
	icv := f.icv(p)
	copy(p.ah[offICV:], icv[:])
}

// checkAH verifies the ICV in constant time, then that the SPI is the source's. What
// could not be sent matches nothing.
func (f Format) checkAH(p packet) (sequence uint64, r Refusal) {
	icv := f.icv(p)
	if f.Auth.writableKey() != nil || subtle.ConstantTimeCompare(icv[:], p.ah[offICV:]) != 1 {
		return 0, RefusalAuthMismatch
	}
	spi := p.env.Source.As4()
	sequence = uint64(binary.BigEndian.Uint32(p.ah[offSequence:]))
	if [4]byte(p.ah[offSPI:]) != spi || sequence == 0 {
		return 0, RefusalAHMalformed
	}
	return sequence, ""
}

// icv is the integrity check value over IP header, Authentication Header and message.
func (f Format) icv(p packet) [ahLen - offICV]byte {
	var buf [md5.BlockSize + ipv4HeaderLen + ahLen + maxAHMessage]byte
	b := f.appendIPv4(buf[:md5.BlockSize], p)
	b = append(b, p.ah[:offICV]...)
	b = append(b, make([]byte, ahLen-offICV)...)
	b = append(b, p.msg...)
	sum := hmacMD5(b, f.Auth.Key)
	return [ahLen - offICV]byte(sum[:])
}

// appendIPv4 appends the IPv4 header as it is authenticated (RFC 791 3.1): without
// options, and 0 in the fields that change on the way, which are type of service, flags
// and fragment offset, checksum, and the TTL of a unicast packet. keepalived
// authenticates the TTL of multicast, other than RFC 2402 3.3.3.1.1.1 has it.
func (f Format) appendIPv4(b []byte, p packet) []byte {
	ttl := byte(requiredTTL)
	if f.unicast() {
		ttl = 0
	}
	source, destination := p.env.Source.As4(), p.env.Destination.As4()
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4HeaderLen+len(p.ah)+len(p.msg)))
	b = binary.BigEndian.AppendUint16(b, p.env.ID)
	b = append(b, 0, 0, ttl, ProtocolAH, 0, 0)
	b = append(b, source[:]...)
	return append(b, destination[:]...)
}
