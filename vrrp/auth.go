package vrrp

import (
	"crypto/subtle"
	"fmt"
)

// authDataLen is the length of the authentication data that ends every message of
// version 2, zero where it holds no password (RFC 3768 5.3.10).
const authDataLen = 8

// checkAuth compares the authentication of a packet with the Format's and gives its
// sequence, if it has one. Without authentication the data of version 2 is ignored
// (RFC 3768 5.3.10). A Format whose authentication its version does not have accepts
// nothing.
func (f Format) checkAuth(p packet) (sequence uint64, r Refusal) {
	got := p.auth(f.Version)
	switch {
	case !f.Auth.fits(f.Version):
		return 0, RefusalAuthType
	case got == AuthNone && f.Auth.Type == AuthHMAC:
		return 0, f.Auth.unsigned()
	case got != f.Auth.Type:
		return 0, RefusalAuthType
	}
	switch got {
	case AuthPass:
		return 0, f.Auth.checkPass(p.msg)
	case AuthAH:
		return f.checkAH(p)
	case AuthHMAC:
		return f.checkHMAC(p)
	}
	return 0, ""
}

// fits says whether a version has the authentication.
func (a Auth) fits(v Version) bool {
	switch a.Type {
	case AuthNone:
		return true
	case AuthPass, AuthAH:
		return v == V2
	case AuthHMAC:
		return v == V3
	}
	return false
}

// checkPass compares the password in constant time. What could not be sent matches
// nothing.
func (a Auth) checkPass(msg []byte) Refusal {
	want := a.dataV2()
	if a.writableKey() != nil || subtle.ConstantTimeCompare(want[:], msg[len(msg)-authDataLen:]) != 1 {
		return RefusalAuthMismatch
	}
	return ""
}

// dataV2 is the authentication data: a password is filled up with zeros (RFC 2338
// 5.3.10).
func (a Auth) dataV2() (data [authDataLen]byte) {
	if a.Type == AuthPass {
		copy(data[:], a.Key)
	}
	return data
}

// appendAuthV2 appends the authentication data.
func appendAuthV2(b []byte, a Auth) []byte {
	data := a.dataV2()
	return append(b, data[:]...)
}

// writable says what keeps an advert of this version and sequence from being
// authenticated.
func (a Auth) writable(v Version, sequence uint64) error {
	if !a.fits(v) {
		return a.misfit(v)
	}
	switch a.Type {
	case AuthPass:
		return a.writableKey()
	case AuthAH:
		if sequence == 0 || sequence > maxSequenceAH {
			return fmt.Errorf("sequence %d: an authentication header carries 1 to %d", sequence, uint64(maxSequenceAH))
		}
		return a.writableKey()
	case AuthHMAC:
		return a.writableHMAC(sequence)
	}
	return nil
}

func (a Auth) misfit(v Version) error {
	if v == V3 {
		return fmt.Errorf("authentication type %d: VRRPv3 has no password and no authentication header, only %d (hmac); use it or version 2", a.Type, AuthHMAC)
	}
	return fmt.Errorf("authentication type %d: VRRPv2 has %d (none), %d (password) and %d (authentication header)", a.Type, AuthNone, AuthPass, AuthAH)
}

func (a Auth) writableKey() error {
	if n := len(a.Key); n < 1 || n > authDataLen {
		return fmt.Errorf("the password has %d bytes: VRRPv2 carries 1 to %d", n, authDataLen)
	}
	return nil
}

// String tells the type without the secrets.
func (a Auth) String() string {
	switch a.Type {
	case AuthNone:
		return "none"
	case AuthPass:
		return "pass, password not shown"
	case AuthAH:
		return "ah, password not shown"
	case AuthHMAC:
		return fmt.Sprintf("hmac, mode %d, window %s, keys %v", a.Mode, a.Window, a.Keys)
	}
	return fmt.Sprintf("type %d", a.Type)
}

// GoString is String.
func (a Auth) GoString() string { return a.String() }

// String tells the key without its secret.
func (k HMACKey) String() string { return fmt.Sprintf("%d (%d bytes not shown)", k.ID, len(k.Secret)) }

// GoString is String.
func (k HMACKey) GoString() string { return k.String() }
