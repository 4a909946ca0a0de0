package vrrp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var hmacVectors = []string{"v3-hmac-ipv4", "v3-hmac-ipv6"}

// One bit of each field changed, as in keepalived's own test of its vectors.
func TestT54MutationsOfTheVectors(t *testing.T) {
	for _, name := range hmacVectors {
		r := recordedAdvert(t, name)
		trailer := len(r.message) - trailerLen
		for _, tc := range []struct {
			what string
			at   int
			want Refusal
		}{
			{"VRID", 1, RefusalVRID},
			{"priority", 2, RefusalHMACBad},
			{"reserved bits", 4, RefusalHMACBad},
			{"interval", 5, RefusalHMACBad},
			{"checksum", 6, RefusalChecksum}, // the signature does not cover it
			{"address", trailer - 1, RefusalHMACBad},
			{"type", trailer, RefusalHMACMalformed},
			{"key id", trailer + 1, RefusalHMACUnknownKey},
			{"reserved, first", trailer + 2, RefusalHMACMalformed},
			{"reserved, second", trailer + 3, RefusalHMACMalformed},
			{"seconds", trailer + 4, RefusalHMACBad},
			{"fraction", trailer + 8, RefusalHMACBad},
			{"counter", trailer + 11, RefusalHMACBad},
			{"first of the MAC", trailer + 12, RefusalHMACBad},
			{"last of the MAC", trailer + 27, RefusalHMACBad},
		} {
			b := bytes.Clone(r.message)
			b[tc.at] ^= 1
			for _, mode := range []HMACMode{HMACEnforce, HMACPermissive, HMACReceiveOnly} {
				r.format.Auth.Mode = mode
				var ad Advert
				if got := r.format.Parse(&ad, b, r.envelope); got != tc.want {
					t.Errorf("%s, %s changed, mode %d: want %q, got %q", name, tc.what, mode, tc.want, got)
				}
			}
		}
	}
}

func TestT54SignatureIsTiedToSenderRouterAndFamily(t *testing.T) {
	for _, name := range hmacVectors {
		r := recordedAdvert(t, name)
		r.format.AnySource = true
		var ad Advert

		env := r.envelope
		env.Source = env.Source.Next()
		b := r.message
		if env.Source.Is6() {
			b = resummed6(b, env)
		}
		if got := r.format.Parse(&ad, b, env); got != RefusalHMACBad {
			t.Errorf("%s from another sender: %q", name, got)
		}

		b = bytes.Clone(r.message)
		b[offVRID] = 52
		f := r.format
		f.VRID = 52
		if got := f.Parse(&ad, b, r.envelope); got != RefusalHMACBad {
			t.Errorf("%s to another router: %q", name, got)
		}
	}
}

// resummed6 makes the checksum of a signed message over IPv6 right again.
func resummed6(b []byte, env Envelope) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint16(b[offChecksum:], 0)
	p := packet{env: env, msg: b}
	binary.BigEndian.PutUint16(b[offChecksum:], ^fold(p.sum()+p.pseudoSum()))
	return b
}

// One signed advert may go to every peer as it is, but for the checksum over IPv6.
func TestT54SignatureLeavesTheDestinationOut(t *testing.T) {
	r := recordedAdvert(t, "v3-hmac-ipv6")
	r.envelope.Destination = netip.MustParseAddr("fe80::30")
	b := mustAppend(t, r.format, &r.advert, r.envelope)
	if !bytes.Equal(b[len(b)-16:], r.message[len(b)-16:]) || bytes.Equal(b, r.message) {
		t.Errorf("%x", b)
	}
}

// Over IPv6 the kernel of keepalived's host sums all that follows the IP header; over
// IPv4 keepalived sums the message alone, with or without pseudo-header.
func TestT53T54ChecksumOfSignedAdverts(t *testing.T) {
	signed := sequenced(9, "10.0.0.3")
	pseudo, plain := hmacFormat(), hmacFormat()
	plain.Checksum = ChecksumPlain
	for _, writer := range []Format{pseudo, plain} {
		b := mustAppend(t, writer, signed, envelope4)
		bare := writer
		bare.Auth = Auth{}
		if without := mustAppend(t, bare, signed, envelope4); !bytes.Equal(b[:len(without)], without) {
			t.Errorf("rule %d: the signature changes the message\n%x\n%x", writer.Checksum, without, b)
		}
		for _, reader := range []Format{pseudo, plain} {
			var got Advert
			if r := reader.Parse(&got, b, envelope4); r != "" {
				t.Errorf("written under rule %d, read under rule %d: %s", writer.Checksum, reader.Checksum, r)
			}
		}
	}

	b := mustAppend(t, hmacFormat(), sequenced(9, "fe80::3"), envelope6)
	p := packet{env: envelope6, msg: b}
	if fold(p.sum()+p.pseudoSum()) != 0xffff {
		t.Errorf("over IPv6 the checksum leaves the signature out: %x", b)
	}
	resum(b[:len(b)-trailerLen], envelope6)
	var got Advert
	if r := hmacFormat().Parse(&got, b, envelope6); r != RefusalChecksum {
		t.Errorf("over IPv6, summed without signature: %q", r)
	}
}

func TestT55ModesSignAndAcceptWhatTheySay(t *testing.T) {
	plain := v3Format()
	for _, tc := range []struct {
		mode  HMACMode
		signs bool
		want  Refusal // of what is not signed
	}{
		{HMACEnforce, true, RefusalHMACMissing},
		{HMACPermissive, true, ""},
		{HMACReceiveOnly, false, ""},
	} {
		f := withMode(tc.mode)
		b := mustAppend(t, f, sequenced(9, "10.0.0.3"), envelope4)
		if signed := len(b) == 12+trailerLen; signed != tc.signs {
			t.Errorf("mode %d writes %d bytes", tc.mode, len(b))
		}
		ad := Advert{Sequence: 99}
		if r := f.Parse(&ad, mustAppend(t, plain, advertOf(time.Second, "10.0.0.3"), envelope4), envelope4); r != tc.want {
			t.Errorf("mode %d, not signed: want %q, got %q", tc.mode, tc.want, r)
		} else if r == "" && ad.Sequence != 0 {
			t.Errorf("mode %d, not signed: sequence %d", tc.mode, ad.Sequence)
		}
		if r := f.Parse(&ad, mustAppend(t, hmacFormat(), sequenced(9, "10.0.0.3"), envelope4), envelope4); r != "" || ad.Sequence != 9 {
			t.Errorf("mode %d, signed: %q, sequence %d", tc.mode, r, ad.Sequence)
		}
		for cut := 1; cut < trailerLen; cut++ {
			b := mustAppend(t, hmacFormat(), sequenced(9, "fe80::3"), envelope6)
			if r := f.Parse(&ad, b[:len(b)-cut], envelope6); r != RefusalLength {
				t.Errorf("mode %d, %d bytes of the signature missing: %q", tc.mode, cut, r)
			}
		}
	}
}

// member is one of two routers in a migration.
type member struct {
	address netip.Addr
	format  Format
	sent    uint64
	replay  Replay
}

// exchange lets both send, and says what either refuses.
func exchange(t *testing.T, now time.Time, a, b *member) (refused []Refusal) {
	t.Helper()
	for _, way := range []struct{ from, to *member }{{a, b}, {b, a}} {
		from, to := way.from, way.to
		from.sent = NextSequence(from.sent, now)
		env := Envelope{Source: from.address, Destination: Group4, TTL: 255}
		var ad Advert
		r := to.format.Parse(&ad, mustAppend(t, from.format, sequenced(from.sent, "10.0.0.3"), env), env)
		if r == "" && ad.Sequence != 0 {
			r = to.replay.Check(now, from.address, ad.Sequence, 5*time.Second)
		}
		if r != "" {
			refused = append(refused, r)
		}
	}
	return refused
}

// From no authentication to enforce, one node at a time, an advert in between, and then
// to another key.
func TestT55MigrationLosesNoAdvert(t *testing.T) {
	none, receive, permissive, enforce := v3Format(), withMode(HMACReceiveOnly), withMode(HMACPermissive), withMode(HMACEnforce)
	oldNew := withKeys(HMACKey{1, secretOf(32)}, HMACKey{2, secretOf(48)})
	newOld := withKeys(HMACKey{2, secretOf(48)}, HMACKey{1, secretOf(32)})
	newOnly := withKeys(HMACKey{2, secretOf(48)})
	a := &member{address: netip.MustParseAddr("10.0.0.5"), format: none}
	b := &member{address: netip.MustParseAddr("10.0.0.6"), format: none}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for step, f := range []Format{receive, permissive, enforce, oldNew, newOld, newOnly} {
		for _, m := range []*member{a, b} {
			m.format = f
			for range 3 {
				now = now.Add(time.Second)
				if r := exchange(t, now, a, b); len(r) > 0 {
					t.Errorf("step %d: refused %v", step+1, r)
				}
			}
		}
	}
	b.format = none
	if r := exchange(t, now.Add(time.Second), a, b); len(r) != 2 || r[0] != RefusalAuthType || r[1] != RefusalHMACMissing {
		t.Errorf("after the migration, without authentication: %v", r)
	}
}

// Why receive-only has to be on both before one signs.
func TestT55SigningToARouterThatKnowsNoSignaturesIsRefused(t *testing.T) {
	a := &member{address: netip.MustParseAddr("10.0.0.5"), format: withMode(HMACPermissive)}
	b := &member{address: netip.MustParseAddr("10.0.0.6"), format: v3Format()}
	if r := exchange(t, time.Unix(1e9, 0), a, b); len(r) != 1 || r[0] != RefusalAuthType {
		t.Errorf("%v", r)
	}
}
