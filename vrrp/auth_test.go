package vrrp

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	secret := strings.Repeat("geheimer", 4)
	for _, a := range []Auth{
		{Type: AuthPass, Key: []byte("geheimer")},
		{Type: AuthAH, Key: []byte("geheimer")},
		{Type: AuthHMAC, Keys: []HMACKey{{7, []byte(secret)}}, Window: 5 * time.Second},
		{Key: []byte("geheimer")},
		{Type: 9, Key: []byte("geheimer")},
	} {
		f := Format{Version: V3, Auth: a}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			for _, v := range []any{a, &a, f, &f, a.Keys} {
				out := fmt.Sprintf(verb, v)
				for _, shown := range []string{"geheimer", "103 101 104", "0x67, 0x65", "67656865"} {
					if strings.Contains(out, shown) {
						t.Errorf("type %d by %s of %T: %s", a.Type, verb, v, out)
					}
				}
			}
		}
	}
	if got := (Auth{Type: AuthHMAC, Keys: []HMACKey{{7, []byte(secret)}}, Window: 5 * time.Second}).String(); got != "hmac, mode 0, window 5s, keys [7 (32 bytes not shown)]" {
		t.Error(got)
	}
}
