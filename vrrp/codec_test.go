package vrrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	envelope4 = Envelope{
		Source:      netip.MustParseAddr("10.0.0.5"),
		Destination: Group4,
		TTL:         255,
	}
	envelopeAH = Envelope{
		Source:      netip.MustParseAddr("10.0.0.5"),
		Destination: Group4,
		TTL:         255,
		Protocol:    ProtocolAH,
		ID:          7,
	}
	envelope6 = Envelope{
		Source:      netip.MustParseAddr("fe80::5"),
		Destination: Group6,
		TTL:         255,
	}
)

func v3Format() Format { return Format{Version: V3, VRID: 50} }

func passFormat(key string) Format {
	return Format{Version: V2, VRID: 50, Auth: Auth{Type: AuthPass, Key: []byte(key)}}
}

func ahFormat(key string) Format {
	return Format{Version: V2, VRID: 50, Auth: Auth{Type: AuthAH, Key: []byte(key)}}
}

// hmacFormat signs with key 1.
func hmacFormat() Format {
	return Format{Version: V3, VRID: 50, Auth: Auth{Type: AuthHMAC, Keys: []HMACKey{{1, secretOf(32)}}}}
}

func withKeys(keys ...HMACKey) Format {
	f := hmacFormat()
	f.Auth.Keys = keys
	return f
}

func withMode(m HMACMode) Format {
	f := hmacFormat()
	f.Auth.Mode = m
	return f
}

// secretOf is the bytes 0, 1, 2 and so on.
func secretOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// sequenced is an advert every second with a sequence.
func sequenced(n uint64, addrs ...string) *Advert {
	ad := advertOf(time.Second, addrs...)
	ad.Sequence = n
	return ad
}

func addresses(list ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, s := range list {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs
}

// some4 is n different addresses.
func some4(n int) []netip.Addr {
	addrs := make([]netip.Addr, n)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
	}
	return addrs
}

func advertOf(interval time.Duration, addrs ...string) *Advert {
	return &Advert{Priority: 150, Interval: interval, Addresses: addresses(addrs...)}
}

func mustAppend(t testing.TB, f Format, ad *Advert, env Envelope) []byte {
	t.Helper()
	b, err := f.Append(nil, ad, env)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// resum makes the checksum of a changed message without trailer right again.
func resum(b []byte, env Envelope) []byte {
	f := Format{Version: Version(b[offVersionType] >> 4)}
	binary.BigEndian.PutUint16(b[offChecksum:], 0)
	binary.BigEndian.PutUint16(b[offChecksum:], f.checksum(packet{env: env, msg: b}, env.Source))
	return b
}

// resumPlain does so without pseudo-header.
func resumPlain(b []byte) []byte {
	binary.BigEndian.PutUint16(b[offChecksum:], 0)
	binary.BigEndian.PutUint16(b[offChecksum:], ^fold(sum(b)))
	return b
}

func TestRecordedAdvertsAreReadAndWrittenBack(t *testing.T) {
	for _, r := range recordedAdverts(t) {
		t.Run(r.name, func(t *testing.T) {
			var got Advert
			if refusal := r.format.Parse(&got, r.message, r.envelope); refusal != "" {
				t.Fatalf("refused: %s", refusal)
			}
			if !reflect.DeepEqual(got, r.advert) {
				t.Errorf("-want +got\n-%+v\n+%+v", r.advert, got)
			}
			if b := mustAppend(t, r.format, &got, r.envelope); !bytes.Equal(b, r.message) {
				t.Errorf("-want +got\n-%x\n+%x", r.message, b)
			}
		})
	}
}

// The checksum finds every change of one byte, also where two rules are accepted.
func TestAnyChangedByteOfARecordedAdvertIsRefused(t *testing.T) {
	for _, r := range recordedAdverts(t) {
		for i := range r.message {
			for change := 1; change < 256; change++ {
				b := bytes.Clone(r.message)
				b[i] ^= byte(change)
				var ad Advert
				if r.format.Parse(&ad, b, r.envelope) == "" {
					t.Errorf("%s: byte %d changed from %#02x to %#02x is accepted", r.name, i, r.message[i], b[i])
				}
			}
		}
	}
}

func TestT03Version3IsWrittenInCentiseconds(t *testing.T) {
	for interval, want := range map[time.Duration]string{
		10 * time.Millisecond:    "0001",
		200 * time.Millisecond:   "0014",
		time.Second:              "0064",
		40950 * time.Millisecond: "0fff",
		40010 * time.Millisecond: "0fa1",
	} {
		b := mustAppend(t, v3Format(), advertOf(interval, "10.0.0.3", "10.0.0.4"), envelope4)
		if got := hex.EncodeToString(b[:6]); got != "31329602"+want {
			t.Errorf("%s: %s", interval, got)
		}
		if got := hex.EncodeToString(b[8:]); got != "0a0000030a000004" {
			t.Errorf("addresses: %s", got)
		}
	}
}

func TestT03ReservedBitsAreIgnoredWhenReceived(t *testing.T) {
	b := mustAppend(t, v3Format(), advertOf(time.Second, "10.0.0.3"), envelope4)
	b[4] |= 0xf0
	var ad Advert
	if r := v3Format().Parse(&ad, resum(b, envelope4), envelope4); r != "" || ad.Interval != time.Second {
		t.Errorf("refusal %q, interval %s", r, ad.Interval)
	}
}

func TestT04ChecksumOverIPv6NeedsThePseudoHeader(t *testing.T) {
	plain := v3Format()
	plain.Checksum = ChecksumPlain
	ad := advertOf(time.Second, "fe80::3", "2001:db8::3")
	b := mustAppend(t, v3Format(), ad, envelope6)
	if !bytes.Equal(b, mustAppend(t, plain, ad, envelope6)) {
		t.Error("the rule for IPv4 changes the checksum over IPv6")
	}
	var got Advert
	if r := plain.Parse(&got, resumPlain(b), envelope6); r != RefusalChecksum {
		t.Errorf("without pseudo-header: %q", r)
	}
}

func TestT04T14T53BothChecksumRulesAreAcceptedOverIPv4(t *testing.T) {
	pseudo, plain := v3Format(), v3Format()
	plain.Checksum = ChecksumPlain
	ad := advertOf(time.Second, "10.0.0.3")
	written := mustAppend(t, pseudo, ad, envelope4)
	if bytes.Equal(written, mustAppend(t, plain, ad, envelope4)) {
		t.Fatal("the rules write the same")
	}
	for _, writer := range []Format{pseudo, plain} {
		for _, reader := range []Format{pseudo, plain} {
			var got Advert
			if r := reader.Parse(&got, mustAppend(t, writer, ad, envelope4), envelope4); r != "" {
				t.Errorf("written under rule %d, read under rule %d: %s", writer.Checksum, reader.Checksum, r)
			}
		}
	}
}

func TestT04PlainChecksumNeedsNoEnvelope(t *testing.T) {
	f := v3Format()
	f.Checksum = ChecksumPlain
	ad := advertOf(time.Second, "10.0.0.3")
	if !bytes.Equal(mustAppend(t, f, ad, Envelope{}), mustAppend(t, f, ad, envelope4)) {
		t.Error("the envelope changes the message")
	}
}

func TestT05Version2WithoutAuthenticationEndsInEightZeros(t *testing.T) {
	f := Format{Version: V2, VRID: 50}
	b := mustAppend(t, f, advertOf(3*time.Second, "10.0.0.3"), Envelope{})
	if len(b) != 20 || !bytes.Equal(b[12:], make([]byte, 8)) || b[4] != 0 || b[5] != 3 {
		t.Errorf("%x", b)
	}
}

func TestT05AuthenticationDataIsIgnoredWithoutAuthentication(t *testing.T) {
	f := Format{Version: V2, VRID: 50}
	b := mustAppend(t, f, advertOf(time.Second, "10.0.0.3"), envelope4)
	copy(b[12:], "leftover")
	var ad Advert
	if r := f.Parse(&ad, resum(b, envelope4), envelope4); r != "" {
		t.Error(r)
	}
}

func TestT13MessagesCutAnywhereAreRefused(t *testing.T) {
	for _, r := range recordedAdverts(t) {
		for n := range r.message {
			want := RefusalLength
			if unsigned := len(r.message) - trailerLen; r.format.Auth.Type == AuthHMAC && n >= unsigned {
				if n == unsigned || r.envelope.Source.Is4() && n <= 26 { // the rest may be padding
					want = RefusalHMACMissing
				}
			}
			var ad Advert
			if got := r.format.Parse(&ad, r.message[:n], r.envelope); got != want {
				t.Errorf("%s cut to %d bytes: want %q, got %q", r.name, n, want, got)
			}
		}
	}
}

// A frame carries at least 46 bytes: behind 20 of IPv4 header at most 26 are message
// and padding, behind 40 of IPv6 nothing is padded.
func TestT27T28OnlyThePaddingOfAMinimalFrameIsAccepted(t *testing.T) {
	for _, r := range recordedAdverts(t) {
		for n := len(r.message) + 1; n < 80; n++ {
			padded := append(bytes.Clone(r.message), bytes.Repeat([]byte{0xa5}, n-len(r.message))...)
			want := RefusalLength
			if r.envelope.Source.Is4() && n <= 26 {
				want = ""
			}
			var ad Advert
			if got := r.format.Parse(&ad, padded, r.envelope); got != want {
				t.Errorf("%s padded to %d bytes: want %q, got %q", r.name, n, want, got)
			}
			if want == "" && !reflect.DeepEqual(ad, r.advert) {
				t.Errorf("%s padded to %d bytes reads %+v", r.name, n, ad)
			}
		}
	}
}

func TestT22VersionTwoAdvertOfCARPsLengthIsNoCARP(t *testing.T) {
	f := Format{Version: V2, VRID: 50}
	for n := 4; n <= 8; n++ { // 5 addresses have CARP's length, 7 its count
		b := mustAppend(t, f, &Advert{Priority: 1, Interval: time.Second, Addresses: some4(n)}, envelope4)
		var ad Advert
		if r := f.Parse(&ad, b, envelope4); r != "" {
			t.Errorf("%d addresses, %d bytes: %s", n, len(b), r)
		}
	}
}

func TestSocketsMayGiveIPv4InIPv6Notation(t *testing.T) {
	mapped := envelope4
	mapped.Source = netip.AddrFrom16(mapped.Source.As16())
	mapped.Destination = netip.AddrFrom16(mapped.Destination.As16())
	ad := advertOf(time.Second, "10.0.0.3")
	b := mustAppend(t, v3Format(), ad, mapped)
	if !bytes.Equal(b, mustAppend(t, v3Format(), ad, envelope4)) {
		t.Errorf("%x", b)
	}
	var got Advert
	if r := v3Format().Parse(&got, b, mapped); r != "" {
		t.Error(r)
	}
}

func TestPeekVRIDReadsMessagesWithoutAndWithAuthenticationHeader(t *testing.T) {
	b := mustAppend(t, v3Format(), advertOf(time.Second, "10.0.0.3"), envelope4)
	for _, tc := range []struct {
		message  []byte
		protocol uint8
		want     uint8
		ok       bool
	}{
		{b, 0, 50, true},
		{b, Protocol, 50, true},
		{b[:8], Protocol, 50, true},
		{b[:7], Protocol, 0, false},
		{b, ProtocolAH, 0, false},
		{recordedAdvert(t, "v2-ah").message, ProtocolAH, 1, true},
		{recordedAdvert(t, "v2-ah").message[:32], ProtocolAH, 1, true},
		{recordedAdvert(t, "v2-ah").message[:31], ProtocolAH, 0, false},
		{nil, ProtocolAH, 0, false},
	} {
		if id, ok := PeekVRID(tc.message, tc.protocol); id != tc.want || ok != tc.ok {
			t.Errorf("%d bytes, protocol %d: %d, %t", len(tc.message), tc.protocol, id, ok)
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	ad := advertOf(time.Second, "10.0.0.3")
	want := append([]byte("before"), mustAppend(t, v3Format(), ad, envelope4)...)
	got, err := v3Format().Append([]byte("before"), ad, envelope4)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
	got, err = v3Format().Append([]byte("before"), &Advert{}, envelope4)
	if err == nil || string(got) != "before" {
		t.Errorf("with an error: %x, %v", got, err)
	}
}

func TestParseReusesTheAddresses(t *testing.T) {
	b := mustAppend(t, v3Format(), advertOf(time.Second, "10.0.0.3", "10.0.0.4"), envelope4)
	ad := Advert{Addresses: make([]netip.Addr, 0, 8)}
	array := &ad.Addresses[:1][0]
	for range 3 {
		if r := v3Format().Parse(&ad, b, envelope4); r != "" {
			t.Fatal(r)
		}
		if &ad.Addresses[0] != array || !slices.Equal(ad.Addresses, addresses("10.0.0.3", "10.0.0.4")) {
			t.Fatalf("%v", ad.Addresses)
		}
	}
}

func TestUnwritableAdvertsSayWhy(t *testing.T) {
	v2 := Format{Version: V2, VRID: 50}
	for _, tc := range []struct {
		name   string
		format Format
		advert *Advert
		env    Envelope
		want   string
	}{
		{"no version", Format{VRID: 50}, advertOf(time.Second, "10.0.0.3"), envelope4, "there is no VRRP version 0: use 2 or 3"},
		{"no address", v3Format(), advertOf(time.Second), envelope4, "no addresses: an advert carries at least one"},
		{
			"256 addresses", v3Format(), &Advert{Interval: time.Second, Addresses: some4(256)}, envelope4,
			"256 addresses: an advert carries at most 255; use a second virtual router",
		},
		{
			"empty address", v3Format(), &Advert{Interval: time.Second, Addresses: make([]netip.Addr, 1)}, envelope4,
			"address 1 of 1 is empty",
		},
		{
			"two families", v3Format(), advertOf(time.Second, "10.0.0.3", "2001:db8::3"), envelope4,
			"addresses 10.0.0.3 and 2001:db8::3 are of two families: use a virtual router for each",
		},
		{
			"v2 over IPv6", v2, advertOf(time.Second, "fe80::3"), envelope6,
			"address fe80::3: VRRPv2 carries only IPv4 addresses; use version 3",
		},
		{
			"v2 interval of 0", v2, advertOf(0, "10.0.0.3"), envelope4,
			"interval 0s: VRRPv2 carries whole seconds, 1s to 255s; choose one or use version 3",
		},
		{
			"v2 interval with a fraction", v2, advertOf(1500*time.Millisecond, "10.0.0.3"), envelope4,
			"interval 1.5s: VRRPv2 carries whole seconds, 1s to 255s; choose one or use version 3",
		},
		{
			"v2 interval too long", v2, advertOf(256*time.Second, "10.0.0.3"), envelope4,
			"interval 4m16s: VRRPv2 carries whole seconds, 1s to 255s; choose one or use version 3",
		},
		{
			"v3 interval below a step", v3Format(), advertOf(9*time.Millisecond, "10.0.0.3"), envelope4,
			"interval 9ms: VRRPv3 carries steps of 10ms, 10ms to 40.95s; choose one",
		},
		{
			"v3 interval between steps", v3Format(), advertOf(15*time.Millisecond, "10.0.0.3"), envelope4,
			"interval 15ms: VRRPv3 carries steps of 10ms, 10ms to 40.95s; choose one",
		},
		{
			"v3 interval too long", v3Format(), advertOf(40960*time.Millisecond, "10.0.0.3"), envelope4,
			"interval 40.96s: VRRPv3 carries steps of 10ms, 10ms to 40.95s; choose one",
		},
		{"no password", passFormat(""), advertOf(time.Second, "10.0.0.3"), envelope4, "the password has 0 bytes: VRRPv2 carries 1 to 8"},
		{"long password", passFormat("123456789"), advertOf(time.Second, "10.0.0.3"), envelope4, "the password has 9 bytes: VRRPv2 carries 1 to 8"},
		{
			"unknown authentication", Format{Version: V2, VRID: 50, Auth: Auth{Type: 4}}, advertOf(time.Second, "10.0.0.3"), envelope4,
			"authentication type 4: VRRPv2 has 0 (none), 1 (password) and 2 (authentication header)",
		},
		{
			"hmac in v2", Format{Version: V2, VRID: 50, Auth: hmacFormat().Auth}, advertOf(time.Second, "10.0.0.3"), envelope4,
			"authentication type 3: VRRPv2 has 0 (none), 1 (password) and 2 (authentication header)",
		},
		{
			"password in v3", Format{Version: V3, VRID: 50, Auth: Auth{Type: AuthPass, Key: []byte("1111")}}, advertOf(time.Second, "10.0.0.3"), envelope4,
			"authentication type 1: VRRPv3 has no password and no authentication header, only 3 (hmac); use it or version 2",
		},
		{
			"no sequence in an authentication header", ahFormat("1111"), sequenced(0, "10.0.0.3"), envelopeAH,
			"sequence 0: an authentication header carries 1 to 4294967295",
		},
		{
			"too high a sequence in an authentication header", ahFormat("1111"), sequenced(1<<32, "10.0.0.3"), envelopeAH,
			"sequence 4294967296: an authentication header carries 1 to 4294967295",
		},
		{
			"no identification with an authentication header", ahFormat("1111"), sequenced(1, "10.0.0.3"), envelope4,
			"identification 0: the kernel would replace it, and the authentication covers it",
		},
		{
			"no source with an authentication header", ahFormat("1111"), sequenced(1, "10.0.0.3"), Envelope{Destination: Group4, ID: 1},
			"source invalid IP, destination 224.0.0.18: the authentication needs both, and both IPv4 as address 10.0.0.3 is",
		},
		{"long password for an authentication header", ahFormat("123456789"), sequenced(1, "10.0.0.3"), envelopeAH, "the password has 9 bytes: VRRPv2 carries 1 to 8"},
		{"no sequence in a signature", hmacFormat(), sequenced(0, "10.0.0.3"), envelope4, "sequence 0: a signed advert needs one, see NextSequence"},
		{"no key", withKeys(), sequenced(1, "10.0.0.3"), envelope4, "auth hmac has no key: the first one signs"},
		{"key id 0", withKeys(HMACKey{Secret: secretOf(32)}), sequenced(1, "10.0.0.3"), envelope4, "key id 0 of auth hmac: use 1 to 255"},
		{"short key", withKeys(HMACKey{7, secretOf(31)}), sequenced(1, "10.0.0.3"), envelope4, "key 7 of auth hmac has 31 bytes: use 32 to 64"},
		{"long key", withKeys(HMACKey{7, secretOf(65)}), sequenced(1, "10.0.0.3"), envelope4, "key 7 of auth hmac has 65 bytes: use 32 to 64"},
		{
			"mode of hmac", withMode(3), sequenced(1, "10.0.0.3"), envelope4,
			"mode 3 of auth hmac: there are 0 (enforce), 1 (permissive) and 2 (receive-only)",
		},
		{
			"no source", v3Format(), advertOf(time.Second, "10.0.0.3"), Envelope{Destination: Group4},
			"source invalid IP, destination 224.0.0.18: the checksum needs both, and both IPv4 as address 10.0.0.3 is",
		},
		{
			"envelope of the other family", v3Format(), advertOf(time.Second, "fe80::3"), envelope4,
			"source 10.0.0.5, destination 224.0.0.18: the checksum needs both, and both IPv6 as address fe80::3 is",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.format.Append(nil, tc.advert, tc.env)
			if want := "virtual router 50: " + tc.want; tc.format.VRID != 50 || fmt.Sprint(err) != want {
				t.Errorf("-want +got\n-%s\n+%v", want, err)
			}
			if err != nil && len(tc.format.Auth.Key) > 0 && strings.Contains(err.Error(), string(tc.format.Auth.Key)) {
				t.Error("the message shows the password")
			}
		})
	}
}

// drawn is a Format with an advert that it can write.
type drawn struct {
	format   Format
	advert   Advert
	envelope Envelope
}

func draw(t *rapid.T) drawn {
	f := Format{
		Version:  rapid.SampledFrom([]Version{V2, V3}).Draw(t, "version"),
		VRID:     rapid.Uint8().Draw(t, "vrid"),
		Checksum: rapid.SampledFrom([]Checksum{ChecksumPseudo, ChecksumPlain}).Draw(t, "checksum"),
	}
	size := 4
	if f.Version == V3 && rapid.Bool().Draw(t, "ipv6") {
		size = 16
	}
	address := rapid.Custom(func(t *rapid.T) netip.Addr {
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "bytes"))
		return a
	})
	// An address in an IPv6 envelope that is IPv4 in IPv6 notation is IPv4.
	host := address.Filter(func(a netip.Addr) bool { return !a.Is4In6() })
	interval := time.Duration(rapid.IntRange(1, 0xfff).Draw(t, "centiseconds")) * centisecond
	if f.Version == V2 {
		interval = time.Duration(rapid.IntRange(1, 255).Draw(t, "seconds")) * time.Second
	}
	env := Envelope{Source: host.Draw(t, "source"), Destination: Group4, TTL: 255}
	if size == 16 {
		env.Destination = Group6
	}
	if rapid.Bool().Draw(t, "unicast") {
		env.Destination = host.Filter(func(a netip.Addr) bool { return !a.IsMulticast() }).Draw(t, "destination")
		f.Peers = []Peer{{Address: env.Source}}
	}
	var sequence uint64
	f.Auth, sequence = drawAuth(t, f.Version)
	if f.Auth.Type == AuthAH {
		env.Protocol, env.ID = ProtocolAH, rapid.Uint16Min(1).Draw(t, "identification")
	}
	return drawn{
		format: f,
		advert: Advert{
			Version:   f.Version,
			VRID:      f.VRID,
			Priority:  rapid.Uint8().Draw(t, "priority"),
			Interval:  interval,
			Addresses: rapid.SliceOfN(address, 1, 255).Draw(t, "addresses"),
			Sequence:  sequence,
		},
		envelope: env,
	}
}

// drawAuth is an authentication that a version has, and a sequence for it.
func drawAuth(t *rapid.T, v Version) (Auth, uint64) {
	types := []AuthType{AuthNone, AuthHMAC}
	if v == V2 {
		types = []AuthType{AuthNone, AuthPass, AuthAH}
	}
	a := Auth{Type: rapid.SampledFrom(types).Draw(t, "auth")}
	switch a.Type {
	case AuthPass:
		a.Key = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "key")
	case AuthAH:
		a.Key = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "key")
		return a, uint64(rapid.Uint32Min(1).Draw(t, "sequence"))
	case AuthHMAC:
		a.Keys = []HMACKey{{rapid.Uint8Min(1).Draw(t, "id"), rapid.SliceOfN(rapid.Byte(), 32, 64).Draw(t, "secret")}}
		a.Mode = rapid.SampledFrom([]HMACMode{HMACEnforce, HMACPermissive, HMACReceiveOnly}).Draw(t, "mode")
		if a.Mode != HMACReceiveOnly {
			return a, rapid.Uint64Min(1).Draw(t, "sequence")
		}
	}
	return a, 0
}

func TestWrittenAdvertsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		prefix := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "prefix")
		b, err := d.format.Append(bytes.Clone(prefix), &d.advert, d.envelope)
		if err != nil {
			t.Fatal(err)
		}
		got := Advert{Addresses: some4(3)}
		if r := d.format.Parse(&got, b[len(prefix):], d.envelope); r != "" {
			t.Fatalf("refused: %s: %x", r, b)
		}
		if !reflect.DeepEqual(got, d.advert) {
			t.Fatalf("-want +got\n-%+v\n+%+v", d.advert, got)
		}
	})
}
