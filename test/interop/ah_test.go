//go:build linux

package interop

import (
	"encoding/binary"
	"testing"
)

var (
	v2ah      = protocol{name: "v2 ah 1s", version: 2, interval: v2.interval, auth: "ah", password: "1111"}
	v2ahOther = protocol{name: "v2 ah 1s", version: 2, interval: v2.interval, auth: "ah", password: "2222"}
)

// TestT50T51T52AH is the life of a pair with auth_type AH.
func TestT50T51T52AH(t *testing.T) {
	t.Parallel()
	row{protocol: v2ah}.bothWays(t, life)
	row{protocol: v2ah.byUnicast()}.bothWays(t, handover)
}

// TestAHOnTheWire: the header of RFC 2402 2.2 before the message, its numbers rise.
func TestAHOnTheWire(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2ah}.pairkeeperBetter(t)
	d.pk.up(t)
	d.pk.isActive(t)
	last := uint32(0)
	for _, a := range d.adverts(3) {
		if len(a.AH) != 24 || a.AH[0] != protocolVRRP || a.AH[1] != 4 {
			t.Fatalf("authentication header % x", a.AH)
		}
		if sequence := binary.BigEndian.Uint32(a.AH[8:]); sequence <= last {
			t.Errorf("sequence %d after %d", sequence, last)
		} else {
			last = sequence
		}
		if a.TTL != 255 || a.Destination != group4 {
			t.Errorf("TTL %d to %s", a.TTL, a.Destination)
		}
	}
}

// TestT21WrongAHPasswordIsCountedWithItsRemedy: both discard, so there are two masters.
func TestT21WrongAHPasswordIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2ah}.keepalivedBetter(t)
	d.ka = d.keepalivedOn(1, v2ahOther.instance(1, 150).Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.refused("auth-mismatch", "10.0.0.2", "set the same auth.password: on both nodes")
	d.pk.isActive(t)
	d.bothHold()
}

// TestT21AHExpectedIsCountedWithItsRemedy: they have none.
func TestT21AHExpectedIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2ah}.keepalivedBetter(t)
	d.ka = d.keepalivedOn(1, v2.instance(1, 150).Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.refused("auth-type", "10.0.0.2", "set the same auth.type: on both nodes")
}

// TestT21AHOfTheOtherSideIsCountedWithItsRemedy: we have none. What they send is another
// protocol of IP, but it is our peer's advert all the same.
func TestT21AHOfTheOtherSideIsCountedWithItsRemedy(t *testing.T) {
	t.Parallel()
	d := row{protocol: v2}.keepalivedBetter(t)
	d.ka = d.keepalivedOn(1, v2ah.instance(1, 150).Config())
	d.ka.up(t)
	d.ka.isActive(t)
	d.pk.up(t)
	d.refused("auth-type", "10.0.0.2", "set the same auth.type: on both nodes")
}
