package vrrp

import "testing"

func TestCodecAllocatesNothing(t *testing.T) {
	for _, r := range recordedAdverts(t) {
		t.Run(r.name, func(t *testing.T) {
			ad, b := r.advert, make([]byte, 0, 64)
			failed := false
			if n := testing.AllocsPerRun(100, func() {
				out, err := r.format.Append(b[:0], &ad, r.envelope)
				failed = failed || err != nil || len(out) != len(r.message)
			}); n != 0 || failed {
				t.Errorf("Append: %v allocations, failed: %t", n, failed)
			}
			if n := testing.AllocsPerRun(100, func() {
				failed = failed || r.format.Parse(&ad, r.message, r.envelope) != ""
			}); n != 0 || failed {
				t.Errorf("Parse: %v allocations, failed: %t", n, failed)
			}
			bad := append([]byte(nil), r.message...)
			bad[len(bad)-1] ^= 1
			want := map[AuthType]Refusal{
				AuthNone: RefusalChecksum, AuthPass: RefusalAuthMismatch, AuthAH: RefusalAuthMismatch, AuthHMAC: RefusalHMACBad,
			}[r.format.Auth.Type]
			if n := testing.AllocsPerRun(100, func() {
				failed = failed || r.format.Parse(&ad, bad, r.envelope) != want
			}); n != 0 || failed {
				t.Errorf("refusing Parse: %v allocations, failed: %t", n, failed)
			}
		})
	}
}

var benchmarked = []string{"v2-none", "v2-pass", "v2-ah", "v3-ipv4", "v3-unicast", "v3-ipv6", "v3-hmac-ipv4", "v3-hmac-ipv6"}

func BenchmarkAppend(b *testing.B) {
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			r := recordedAdvert(b, name)
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.format.Append(buf, &r.advert, r.envelope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range benchmarked {
		b.Run(name, func(b *testing.B) {
			r := recordedAdvert(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if refusal := r.format.Parse(&r.advert, r.message, r.envelope); refusal != "" {
					b.Fatal(refusal)
				}
			}
		})
	}
}
