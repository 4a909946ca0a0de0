package vrrp

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"testing"

	"pgregory.net/rapid"
)

func TestHMACIsTheStandardLibrarys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "key")
		message := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "message")
		b := append(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "room"), message...)

		sha, md := hmac.New(sha256.New, key), hmac.New(md5.New, key)
		sha.Write(message)
		md.Write(message)
		if got := hmacSHA256(b, key); !hmac.Equal(got[:], sha.Sum(nil)) {
			t.Errorf("SHA-256: %x", got)
		}
		if got := hmacMD5(b, key); !hmac.Equal(got[:], md.Sum(nil)) {
			t.Errorf("MD5: %x", got)
		}
	})
}
