package doctornet

import (
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
)

// FuzzHeard has strangers send anything.
func FuzzHeard(f *testing.F) {
	f.Add([]byte("\x45\x00\x00\x20\x00\x00\x00\x00\xff\x70\x00\x00\x0a\x00\x00\x09\xe0\x00\x00\x12\x31\x32\x64\x01\x00\x64\x00\x00\x0a\x00\x00\x03"))
	f.Add([]byte("\x45\x00\x00\x34\x00\x00\x00\x00\xff\x33\x00\x00\x0a\x00\x00\x09\xe0\x00\x00\x12\x70\x04\x00\x00" + "0123456789012345678901234567\x21\x32\x64\x01"))
	f.Add([]byte("\x60\x00\x00\x00\x00\x08\x70\xff" + "0123456789abcdef" + "0123456789abcdef" + "\x31\x32\x64\xff\x00\x64\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{Facts: doctor.Facts{Beats: []doctor.Beat{{}}}}
		r.heard("eth0", "02:00:00:00:00:01", b)
		for _, ad := range r.Adverts {
			if !ad.From.IsValid() || len(ad.Addresses)*4 > len(b) {
				t.Errorf("%v of %x", ad, b)
			}
		}
	})
}
