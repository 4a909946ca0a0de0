package vrrp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// The trailer of keepalived's auth_hmac, which follows the addresses of a version 3
// message: HMAC-SHA256 cut to 128 bits.
//
//	 0      1        2 3        4                   12
//	| type | key id | reserved | sequence (8 bytes) | MAC |
const (
	trailerLen = 28

	offKeyID      = 1
	offSequence64 = 4
	offMAC        = 12

	trailerSHA256 = 1 // the only type
	macPseudoLen  = 20
	maxMessage    = headerLen + maxAddresses*16

	minSecret, maxSecret = 32, 64
)

// signsHMAC says whether adverts get a trailer.
func (f Format) signsHMAC() bool {
	return f.Auth.Type == AuthHMAC && f.Auth.Mode != HMACReceiveOnly
}

// isTrailer says whether what follows a message is meant as a trailer. A Format that
// wants none knows one by its first bytes, to tell it from garbage.
func (f Format) isTrailer(b []byte) bool {
	return len(b) == trailerLen && (f.Auth.Type == AuthHMAC || wellFormed(b))
}

func wellFormed(trailer []byte) bool {
	return trailer[0] == trailerSHA256 && trailer[2] == 0 && trailer[3] == 0
}

// unsigned judges a message without trailer.
func (a Auth) unsigned() Refusal {
	if a.Mode == HMACPermissive || a.Mode == HMACReceiveOnly {
		return ""
	}
	return RefusalHMACMissing
}

// appendTrailer appends the trailer with a MAC of 0.
func appendTrailer(b []byte, key uint8, sequence uint64) []byte {
	b = append(b, trailerSHA256, key, 0, 0)
	b = binary.BigEndian.AppendUint64(b, sequence)
	return append(b, make([]byte, trailerLen-offMAC)...)
}

// signHMAC writes the MAC.
func (f Format) signHMAC(p packet) {
	mac := f.mac(p, f.Auth.Keys[0])
	copy(p.trailer[offMAC:], mac[:])
}

// checkHMAC verifies the trailer, the MAC in constant time. No sender gets to sequence
// 0, which stands for a message that is not signed.
func (f Format) checkHMAC(p packet) (sequence uint64, r Refusal) {
	sequence = binary.BigEndian.Uint64(p.trailer[offSequence64:])
	if !wellFormed(p.trailer) || sequence == 0 {
		return 0, RefusalHMACMalformed
	}
	key, ok := f.Auth.key(p.trailer[offKeyID])
	if !ok {
		return 0, RefusalHMACUnknownKey
	}
	mac := f.mac(p, key)
	if subtle.ConstantTimeCompare(mac[:], p.trailer[offMAC:]) != 1 {
		return 0, RefusalHMACBad
	}
	return sequence, ""
}

// key finds a key that may be used.
func (a Auth) key(id uint8) (HMACKey, bool) {
	for _, k := range a.Keys {
		if k.ID == id && k.writable() == nil {
			return k, true
		}
	}
	return HMACKey{}, false
}

// mac is the MAC over a pseudo-header of its own, the message with checksum 0, and the
// trailer with MAC 0. The pseudo-header ties it to family, version, virtual router and
// sender, not to the destination.
func (f Format) mac(p packet, key HMACKey) [trailerLen - offMAC]byte {
	var buf [sha256.BlockSize + macPseudoLen + maxMessage + trailerLen]byte
	b := f.appendMACPseudo(buf[:sha256.BlockSize], p)
	b = append(b, p.msg[:offChecksum]...)
	b = append(b, 0, 0)
	b = append(b, p.msg[offChecksum+2:]...)
	b = append(b, p.trailer[:offMAC]...)
	b = append(b, make([]byte, trailerLen-offMAC)...)
	sum := hmacSHA256(b, key.Secret)
	return [trailerLen - offMAC]byte(sum[:])
}

func (f Format) appendMACPseudo(b []byte, p packet) []byte {
	if p.env.Source.Is4() {
		source := p.env.Source.As4()
		b = append(b, 4, byte(f.Version), f.VRID, 0)
		b = append(b, source[:]...)
		return append(b, make([]byte, 12)...)
	}
	source := p.env.Source.As16()
	b = append(b, 6, byte(f.Version), f.VRID, 0)
	return append(b, source[:]...)
}

func (a Auth) writableHMAC(sequence uint64) error {
	switch {
	case a.Mode > HMACReceiveOnly:
		return fmt.Errorf("mode %d of auth hmac: there are %d (enforce), %d (permissive) and %d (receive-only)",
			a.Mode, HMACEnforce, HMACPermissive, HMACReceiveOnly)
	case a.Mode == HMACReceiveOnly:
		return nil
	case len(a.Keys) == 0:
		return fmt.Errorf("auth hmac has no key: the first one signs")
	case sequence == 0:
		return fmt.Errorf("sequence 0: a signed advert needs one, see NextSequence")
	}
	return a.Keys[0].writable()
}

func (k HMACKey) writable() error {
	switch n := len(k.Secret); {
	case k.ID == 0:
		return fmt.Errorf("key id 0 of auth hmac: use 1 to 255")
	case n < minSecret || n > maxSecret:
		return fmt.Errorf("key %d of auth hmac has %d bytes: use %d to %d", k.ID, n, minSecret, maxSecret)
	}
	return nil
}
