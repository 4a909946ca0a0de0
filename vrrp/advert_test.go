package vrrp

import (
	"slices"
	"testing"
	"time"
)

func TestT06LinkLocalAddressComesFirst(t *testing.T) {
	for _, tc := range []struct{ given, want []string }{
		{[]string{"2001:db8::3", "fe80::3", "2001:db8::2"}, []string{"fe80::3", "2001:db8::3", "2001:db8::2"}},
		{[]string{"fe80::3", "2001:db8::3", "fe80::2"}, []string{"fe80::3", "fe80::2", "2001:db8::3"}},
		{[]string{"2001:db8::3", "2001:db8::2"}, []string{"2001:db8::3", "2001:db8::2"}},
		{[]string{"10.0.0.3", "169.254.0.1"}, []string{"10.0.0.3", "169.254.0.1"}},
		{nil, nil},
	} {
		got := addresses(tc.given...)
		LinkLocalFirst(got)
		if !slices.Equal(got, addresses(tc.want...)) {
			t.Errorf("%v: want %v, got %v", tc.given, tc.want, got)
		}
	}
}

func TestT06AddressesAreWrittenAsGiven(t *testing.T) {
	ad := advertOf(time.Second, "2001:db8::3", "fe80::3")
	var got Advert
	if r := v3Format().Parse(&got, mustAppend(t, v3Format(), ad, envelope6), envelope6); r != "" || !slices.Equal(got.Addresses, ad.Addresses) {
		t.Errorf("%q %v", r, got.Addresses)
	}
}

// The owner's 255 and the release's 0 have their meaning elsewhere; on the wire every
// priority is what it is.
func TestT08EveryPriorityIsCarried(t *testing.T) {
	for _, f := range []Format{{Version: V2, VRID: 50}, v3Format()} {
		for priority := range 256 {
			ad := advertOf(time.Second, "10.0.0.3")
			ad.Priority = uint8(priority)
			b := mustAppend(t, f, ad, envelope4)
			var got Advert
			if r := f.Parse(&got, b, envelope4); r != "" || got.Priority != ad.Priority || b[2] != ad.Priority {
				t.Fatalf("version %d, priority %d: %q, %d, %#02x", f.Version, priority, r, got.Priority, b[2])
			}
		}
	}
}
