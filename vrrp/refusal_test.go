package vrrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"reflect"
	"regexp"
	"testing"
	"time"
)

// A CARP message: version 2, type 1, VHID 50, skew 0, 7 words, demotion 0, base 1.
const carpMessage = "2132000700014a5b" + "0011223344556677" + "000102030405060708090a0b0c0d0e0f10111213"

func TestEveryRefusal(t *testing.T) {
	v2 := Format{Version: V2, VRID: 50}
	pass := passFormat("1111")
	v2Message := mustAppend(t, v2, advertOf(time.Second, "10.0.0.3"), envelope4)
	v3Message := mustAppend(t, v3Format(), advertOf(time.Second, "10.0.0.3"), envelope4)
	passMessage := mustAppend(t, pass, advertOf(time.Second, "10.0.0.3"), envelope4)
	v6Message := mustAppend(t, v3Format(), advertOf(time.Second, "fe80::3"), envelope6)
	carp, err := hex.DecodeString(carpMessage)
	if err != nil {
		t.Fatal(err)
	}
	// with sets a byte and makes the checksum right again.
	with := func(b []byte, at int, value byte) []byte {
		b = bytes.Clone(b)
		b[at] = value
		return resum(b, envelope4)
	}
	ttl := func(env Envelope, n uint8) Envelope { env.TTL = n; return env }
	to := func(env Envelope, a netip.Addr) Envelope { env.Destination = a; return env }
	carpTo := Envelope{Source: envelope4.Source, Destination: envelope4.Source.Next(), TTL: 64}
	unicast := v3Format()
	unicast.Peers = []Peer{{Address: envelope4.Source.Next()}}
	signed := mustAppend(t, hmacFormat(), sequenced(9, "10.0.0.3"), envelope4)
	sealed := mustAppend(t, ahFormat("1111"), sequenced(9, "10.0.0.3"), envelopeAH)
	// set sets a byte of a signed message.
	set := func(b []byte, at int, value byte) []byte {
		b = bytes.Clone(b)
		b[at] = value
		return b
	}

	covered := map[Refusal]bool{}
	for _, tc := range []struct {
		name    string
		format  Format
		message []byte
		env     Envelope
		want    Refusal
	}{
		{"T10 TTL 254", v3Format(), v3Message, ttl(envelope4, 254), RefusalTTL},
		{"T10 TTL 0", v2, v2Message, ttl(envelope4, 0), RefusalTTL},
		{"T10 hop limit 64", v3Format(), v6Message, ttl(envelope6, 64), RefusalTTL},
		{"T10 TTL before anything else", v3Format(), nil, ttl(envelope4, 1), RefusalTTL},
		{"unicast to a router of the group", v3Format(), v3Message, to(envelope4, envelope4.Source.Next()), RefusalDestination},
		{"multicast to a router with peers", unicast, v3Message, envelope4, RefusalDestination},
		{"T20 unicast of a stranger", unicast, v3Message, to(envelope4, envelope4.Source.Next()), RefusalSource},
		{"T11 version 2 to a version 3 router", v3Format(), v2Message, envelope4, RefusalVersion},
		{"T11 version 3 to a version 2 router", v2, v3Message, envelope4, RefusalVersion},
		{"T11 version 4", v3Format(), with(v3Message, 0, 0x41), envelope4, RefusalVersion},
		{"T11 version 4 to a router of version 4", Format{Version: 4, VRID: 50}, with(v3Message, 0, 0x41), envelope4, RefusalVersion},
		{"T12 type 0", v3Format(), with(v3Message, 0, 0x30), envelope4, RefusalType},
		{"T12 type 2", v2, with(v2Message, 0, 0x22), envelope4, RefusalType},
		{"T13 empty", v3Format(), nil, envelope4, RefusalLength},
		{"T13 header alone", v3Format(), v3Message[:8], envelope4, RefusalLength},
		{"T13 more addresses counted than there are", v3Format(), with(v3Message, 3, 2), envelope4, RefusalLength},
		{"T13 version 2 without authentication data", v2, v2Message[:12], envelope4, RefusalLength},
		{"T13 longer than padding explains", v2, append(bytes.Clone(v2Message), make([]byte, 7)...), envelope4, RefusalLength},
		{"T13 IPv6 with padding", v3Format(), append(bytes.Clone(v6Message), 0), envelope6, RefusalLength},
		{"T13 version 3 with a trailer of 28 bytes", v3Format(), append(bytes.Clone(v3Message), make([]byte, 28)...), envelope4, RefusalLength},
		{"version 2 over IPv6", v2, v2Message, envelope6, RefusalFamily},
		{"no source", v3Format(), v3Message, Envelope{Destination: Group4, TTL: 255}, RefusalFamily},
		{"source and destination of two families", v3Format(), v3Message, Envelope{Source: envelope6.Source, Destination: Group4, TTL: 255}, RefusalFamily},
		{"T14 checksum 0", v2, zeroChecksum(v2Message), envelope4, RefusalChecksum},
		{"T14 checksum of another source", v3Format(), v3Message, Envelope{Source: envelope4.Destination, Destination: Group4, TTL: 255}, RefusalChecksum},
		{"T15 VRID 51", v3Format(), with(v3Message, 1, 51), envelope4, RefusalVRID},
		{"T15 VRID 0", v2, with(v2Message, 1, 0), envelope4, RefusalVRID},
		{"T17 no address", v3Format(), resum(with(v3Message, 3, 0)[:8], envelope4), envelope4, RefusalNoAddresses},
		{"T17 no address counted, one there", v3Format(), with(v3Message, 3, 0), envelope4, RefusalNoAddresses},
		{"T17 no address in version 2", v2, with(v2Message, 3, 0), envelope4, RefusalNoAddresses},
		{"T18 interval 0", v3Format(), with(v3Message, 5, 0), envelope4, RefusalIntervalZero},
		{"T18 interval 0 beside reserved bits", v3Format(), with(with(v3Message, 5, 0), 4, 0xf0), envelope4, RefusalIntervalZero},
		{"T18 interval 0 in version 2", v2, with(v2Message, 5, 0), envelope4, RefusalIntervalZero},
		{"T21 a password where none is used", v2, passMessage, envelope4, RefusalAuthType},
		{"T21 no password where one is used", pass, v2Message, envelope4, RefusalAuthType},
		{"T21 authentication header", pass, with(passMessage, 4, 2), envelope4, RefusalAuthType},
		{"T21 authentication wanted in version 3", Format{Version: V3, VRID: 50, Auth: pass.Auth}, v3Message, envelope4, RefusalAuthType},
		{"T21 another password", passFormat("1112"), passMessage, envelope4, RefusalAuthMismatch},
		{"T21 longer password", passFormat("11111"), passMessage, envelope4, RefusalAuthMismatch},
		{"T21 shorter password", passFormat("111"), passMessage, envelope4, RefusalAuthMismatch},
		{"T21 password that only begins alike", passFormat("1111\x00\x00\x00\x00x"), passMessage, envelope4, RefusalAuthMismatch},
		{"T21 empty passwords", passFormat(""), with(with(with(with(passMessage, 12, 0), 13, 0), 14, 0), 15, 0), envelope4, RefusalAuthMismatch},
		{"T21 authentication nobody knows", Format{Version: V2, VRID: 50, Auth: Auth{Type: 4}}, with(passMessage, 4, 4), envelope4, RefusalAuthType},
		{"T21 an authentication header announced, but not there", ahFormat("1111"), with(passMessage, 4, 2), envelope4, RefusalAuthType},
		{"T21 no authentication header where one is used", ahFormat("1111"), v2Message, envelope4, RefusalAuthType},
		{"T21 an authentication header where none is used", v2, sealed, envelopeAH, RefusalAuthType},
		{"T21 an authentication header where a password is used", pass, sealed, envelopeAH, RefusalAuthType},
		{"T21 an authentication header before another type", ahFormat("1111"), set(sealed, 28, 0), envelopeAH, RefusalAuthType},
		{"T21 an authentication header before version 3", v3Format(), append(bytes.Clone(sealed[:24]), v3Message...), envelopeAH, RefusalAuthType},
		{"T21 an authentication header and another password", ahFormat("1112"), sealed, envelopeAH, RefusalAuthMismatch},
		{"T21 an authentication header and no password", ahFormat(""), sealed, envelopeAH, RefusalAuthMismatch},
		{"half an authentication header", ahFormat("1111"), sealed[:23], envelopeAH, RefusalLength},
		{"an authentication header alone", ahFormat("1111"), sealed[:24], envelopeAH, RefusalLength},
		{"an authentication header before UDP", ahFormat("1111"), set(sealed, 0, 17), envelopeAH, RefusalAHMalformed},
		{"an authentication header of another length", ahFormat("1111"), set(sealed, 1, 5), envelopeAH, RefusalAHMalformed},
		{"an authentication header with something reserved", ahFormat("1111"), set(sealed, 3, 1), envelopeAH, RefusalAHMalformed},
		{"an authentication header with another SPI", ahFormat("1111"), resealed(t, set(sealed, 7, 99)), envelopeAH, RefusalAHMalformed},
		{"an authentication header with sequence 0", ahFormat("1111"), resealed(t, set(sealed, 11, 0)), envelopeAH, RefusalAHMalformed},
		{"T14 an authentication header and a wrong checksum", ahFormat("1111"), resealed(t, set(sealed, 30, 0xff)), envelopeAH, RefusalChecksum},
		{"T55 not signed", hmacFormat(), v3Message, envelope4, RefusalHMACMissing},
		{"T54 signed, to a router without keys", v3Format(), signed, envelope4, RefusalAuthType},
		{"T54 signed in a way not known", hmacFormat(), set(signed, 12, 2), envelope4, RefusalHMACMalformed},
		{"T54 signed with something reserved", hmacFormat(), set(signed, 14, 1), envelope4, RefusalHMACMalformed},
		{"T54 signed with sequence 0", hmacFormat(), set(signed, 23, 0), envelope4, RefusalHMACMalformed},
		{"T54 signed with a key not known", hmacFormat(), set(signed, 13, 2), envelope4, RefusalHMACUnknownKey},
		{"T54 signed with a key too short to be one", withKeys(HMACKey{1, secretOf(31)}), signed, envelope4, RefusalHMACUnknownKey},
		{"T54 signed with another key of this id", withKeys(HMACKey{1, secretOf(33)}), signed, envelope4, RefusalHMACBad},
		{"T54 priority changed", hmacFormat(), set(signed, 2, 200), envelope4, RefusalHMACBad},
		{"T14 signed, checksum wrong", hmacFormat(), set(signed, 6, 0xff), envelope4, RefusalChecksum},
		{"hmac in version 2", Format{Version: V2, VRID: 50, Auth: hmacFormat().Auth}, with(v2Message, 4, 3), envelope4, RefusalAuthType},
		{"T22 CARP to a version 2 router", v2, carp, envelope4, RefusalCARP},
		{"T22 CARP to a version 3 router", v3Format(), carp, envelope4, RefusalCARP},
		{"T22 CARP over IPv6", v3Format(), carp, envelope6, RefusalCARP},
		{"T22 CARP from afar and not to the group", v3Format(), carp, carpTo, RefusalCARP},
		{"T22 CARP with a demotion", v2, with(carp, 4, 240), envelope4, RefusalCARP},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := Advert{Version: 9, VRID: 9, Priority: 9, Interval: 9, Addresses: some4(9)}
			ad := Advert{Version: 9, VRID: 9, Priority: 9, Interval: 9, Addresses: some4(9)}
			if got := tc.format.Parse(&ad, tc.message, tc.env); got != tc.want {
				t.Errorf("want %q, got %q", tc.want, got)
			}
			if !reflect.DeepEqual(ad, before) {
				t.Errorf("a refused message changed the advert: %+v", ad)
			}
		})
		covered[tc.want] = true
	}
	for _, r := range []Refusal{RefusalReplay, RefusalStale} {
		if covered[r] {
			t.Errorf("Parse gives %s, which is Replay's", r)
		}
		covered[r] = true
	}
	for _, r := range Refusals() {
		if !covered[r] {
			t.Errorf("no row for %s", r)
		}
	}
	if len(covered) != len(Refusals()) {
		t.Errorf("%d refusals tested, %d listed", len(covered), len(Refusals()))
	}
}

// The two sums that RFC 5798 and RFC 9568 write are good, all others are not.
func TestT14ChecksumWrongUnderBothRules(t *testing.T) {
	b := mustAppend(t, v3Format(), advertOf(time.Second, "10.0.0.3"), envelope4)
	accepted := 0
	for sum := range 0x10000 {
		binary.BigEndian.PutUint16(b[offChecksum:], uint16(sum))
		var ad Advert
		switch r := v3Format().Parse(&ad, b, envelope4); r {
		case "":
			accepted++
		case RefusalChecksum:
		default:
			t.Fatalf("checksum %#04x: %s", sum, r)
		}
	}
	if accepted != 2 {
		t.Errorf("%d checksums are accepted", accepted)
	}
}

func TestRefusalsAreUniqueStableWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	seen := map[Refusal]bool{}
	for _, r := range Refusals() {
		if seen[r] || !word.MatchString(string(r)) {
			t.Errorf("%q", r)
		}
		seen[r] = true
	}
	Refusals()[0] = "changed"
	if Refusals()[0] != RefusalCARP {
		t.Error("a caller can change the list")
	}
}

func TestEveryRefusalHasARemedy(t *testing.T) {
	for _, r := range Refusals() {
		if r.Remedy() == "" {
			t.Errorf("%s", r)
		}
	}
	if r := Refusal("unknown").Remedy(); r != "" {
		t.Errorf("of a word that is none: %s", r)
	}
}

// resealed is a changed message with a right ICV under the password 1111.
func resealed(t *testing.T, b []byte) []byte {
	t.Helper()
	p, r := cutAH(b, envelopeAH)
	if r != "" {
		t.Fatal(r)
	}
	ahFormat("1111").signAH(p)
	return b
}

func zeroChecksum(b []byte) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint16(b[offChecksum:], 0)
	return b
}
