package vrrp

import (
	"bytes"
	"testing"
)

// What keepalived authenticates of the IPv4 header, seen from outside: Identification,
// source and destination. TTL, type of service and fragments are not among the inputs.
func TestT21AuthenticationHeaderCoversTheIPHeader(t *testing.T) {
	for _, name := range []string{"v2-ah", "v2-ah-unicast"} {
		r := recordedAdvert(t, name)
		for _, tc := range []struct {
			what string
			env  func(Envelope) Envelope
		}{
			{"identification", func(e Envelope) Envelope { e.ID++; return e }},
			{"identification, other byte", func(e Envelope) Envelope { e.ID ^= 0x100; return e }},
			{"source", func(e Envelope) Envelope { e.Source = e.Source.Next(); return e }},
			{"destination", func(e Envelope) Envelope { e.Destination = e.Destination.Next(); return e }},
		} {
			f := r.format
			if len(f.Peers) > 0 {
				f.AnySource = true
			}
			var ad Advert
			if got := f.Parse(&ad, r.message, tc.env(r.envelope)); got != RefusalAuthMismatch {
				t.Errorf("%s, another %s: %q", name, tc.what, got)
			}
		}
	}
}

// Routers on the way change the TTL of unicast, which keepalived therefore leaves out.
func TestAuthenticationHeaderOfUnicastLeavesTheTTLOut(t *testing.T) {
	r := recordedAdvert(t, "v2-ah-unicast")
	r.envelope.TTL = 60
	var ad Advert
	if got := r.format.Parse(&ad, r.message, r.envelope); got != "" {
		t.Errorf("after some hops: %s", got)
	}
	r.format.Peers = nil
	r.envelope.TTL = 255
	r.envelope.Destination = Group4
	if got := r.format.Parse(&ad, r.message, r.envelope); got != RefusalAuthMismatch {
		t.Errorf("as multicast: %q", got)
	}
}

func TestT21AnyChangedBitUnderTheAuthenticationHeaderIsRefused(t *testing.T) {
	r := recordedAdvert(t, "v2-ah")
	for i := range r.message {
		for bit := range 8 {
			b := bytes.Clone(r.message)
			b[i] ^= 1 << bit
			if i >= ahLen && i/2 != (ahLen+offChecksum)/2 { // as somebody would who knows how to sum
				resum(b[ahLen:], r.envelope)
			}
			var ad Advert
			if got := r.format.Parse(&ad, b, r.envelope); got == "" {
				t.Errorf("byte %d, bit %d", i, bit)
			}
		}
	}
}

func TestAuthenticationHeaderGivesTheSequence(t *testing.T) {
	for name, want := range map[string]uint64{"v2-ah": 12, "v2-ah-next": 15, "v2-none": 0} {
		r := recordedAdvert(t, name)
		ad := Advert{Sequence: 99}
		if got := r.format.Parse(&ad, r.message, r.envelope); got != "" || ad.Sequence != want {
			t.Errorf("%s: %q, %d", name, got, ad.Sequence)
		}
	}
}
