package vrrp

import (
	"crypto/subtle"
	"fmt"
)

// authDataLen is the length of the authentication data that ends every message of
// version 2, zero where nothing is authenticated (RFC 3768 5.3.10).
const authDataLen = 8

// checkAuth compares the authentication of a message with the Format's. Without
// authentication the data is ignored (RFC 3768 5.3.10). Version 3 has none of its own
// (RFC 9568 9), so a Format that wants one accepts nothing.
func (f Format) checkAuth(msg []byte) Refusal {
	got := AuthNone
	if f.Version == V2 {
		got = AuthType(msg[offAuthTypeV2])
	}
	switch {
	case got != f.Auth.Type:
		return RefusalAuthType
	case got == AuthNone:
		return ""
	case !f.Auth.matchesV2(msg[len(msg)-authDataLen:]):
		return RefusalAuthMismatch
	}
	return ""
}

// matchesV2 compares the authentication data in constant time. What could not be sent
// matches nothing.
func (a Auth) matchesV2(data []byte) bool {
	if a.writableV2() != nil {
		return false
	}
	want := a.dataV2()
	return subtle.ConstantTimeCompare(want[:], data) == 1
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

func (a Auth) writableV2() error {
	switch n := len(a.Key); a.Type {
	case AuthNone:
		return nil
	case AuthPass:
		if n < 1 || n > authDataLen {
			return fmt.Errorf("the password has %d bytes: VRRPv2 carries 1 to %d", n, authDataLen)
		}
		return nil
	}
	return fmt.Errorf("authentication type %d: VRRPv2 has 0 (none) and 1 (password)", a.Type)
}
