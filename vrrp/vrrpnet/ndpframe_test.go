package vrrpnet

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
)

// Captured from keepalived 2.2.7 as it takes fe80::100 over.
const capturedNA = "333300000001 020000009902 86dd 60000000 0020 3a ff" +
	"fe800000000000000000000000000100 ff020000000000000000000000000001" +
	"88 00 bc9b 20000000 fe800000000000000000000000000100 02 01 020000009902"

// Captured from Linux 6.18, which tries fe80::300 out; the option is a nonce (RFC 7527).
const capturedNS = "3333ff000300 020000000001 86dd 60000000 0020 3a ff" +
	"00000000000000000000000000000000 ff0200000000000000000001ff000300" +
	"87 00 456c 00000000 fe800000000000000000000000000300 0e 01 ea8ae1ce5658"

var capturedMAC = net.HardwareAddr{0x02, 0, 0, 0, 0x99, 0x02}

// resealed is a frame, changed and with a right checksum, or as it is.
func resealed(t *testing.T, s string, change func([]byte) []byte) []byte {
	t.Helper()
	b := wireBytes(t, s)
	if change == nil {
		return b
	}
	b = change(b)
	if end := offICMP + int(binary.BigEndian.Uint16(b[offPayloadLen:])); end <= len(b) {
		b[offICMPChecksum], b[offICMPChecksum+1] = 0, 0
		sealed(b[:end:end])
	}
	return b
}

// keepalived leaves R away unless the host forwards; RFC 9568 6.4.1 wants it.
func TestT34AdvertisementIsKeepalivedsWithTheRouterFlag(t *testing.T) {
	want := wireBytes(t, capturedNA)
	want[offNDFlags] |= 0x80
	binary.BigEndian.PutUint16(want[offICMPChecksum:], 0x3c9b) // 0x8000 less
	if got := advertisement(virtual6, capturedMAC); !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

// RFC 4862 5.4.2, RFC 4861 4.3: no source link-layer address when the source is ::.
func TestSolicitationIsThatOfDuplicateAddressDetection(t *testing.T) {
	want := wireBytes(t, "3333ffabcdef 020000009902 86dd 60000000 0018 3a ff"+
		"00000000000000000000000000000000 ff0200000000000000000001ffabcdef"+
		"87 00 ce71 00000000 fd000000000000000000000012abcdef")
	got := solicitation(netip.MustParseAddr("fd00::12ab:cdef"), capturedMAC)
	if !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
}

func TestHeardNDPReadsClaimsAndProbes(t *testing.T) {
	other := net.HardwareAddr{0x02, 0, 0, 0, 0, 0x01}
	probed := netip.MustParseAddr("fe80::300")
	at := func(offset int, bytes ...byte) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[offset:], bytes)
			return b
		}
	}
	cut := func(length byte) func([]byte) []byte { // the payload, and so the frame
		return func(b []byte) []byte {
			b[offPayloadLen+1] = length
			return b[:offICMP+int(length)]
		}
	}
	for _, c := range []struct {
		name   string
		frame  string
		change func([]byte) []byte
		want   Heard // zero: nothing
	}{
		{"claim", capturedNA, nil, Heard{Address: virtual6, MAC: capturedMAC}},
		{"claim with padding", capturedNA, func(b []byte) []byte { return append(b, 1, 2, 3) }, Heard{Address: virtual6, MAC: capturedMAC}},
		{"claim of another MAC than the sender's", capturedNA, at(offEtherSource, other...), Heard{Address: virtual6, MAC: capturedMAC}},
		{"claim without a MAC", capturedNA, cut(24), Heard{Address: virtual6, MAC: capturedMAC}},
		{"claim with an option of another length", capturedNA, func(b []byte) []byte {
			b[offPayloadLen+1], b[offNDOptions+1] = 40, 2
			return append(b, make([]byte, 8)...)
		}, Heard{Address: virtual6, MAC: capturedMAC}},
		{"solicited answer to one", capturedNA, func(b []byte) []byte {
			copy(b[offDestination6:], b[offSource6:offDestination6])
			return at(offNDFlags, 0x60)(b)
		}, Heard{Address: virtual6, MAC: capturedMAC}},
		{"solicited answer to all", capturedNA, at(offNDFlags, 0x60), Heard{}},
		{"probe", capturedNS, nil, Heard{Address: probed, MAC: other, Probe: true}},
		{"probe without a nonce", capturedNS, cut(24), Heard{Address: probed, MAC: other, Probe: true}},
		{"probe with a source MAC", capturedNS, at(offNDOptions, 1), Heard{}},
		{"question of somebody with an address", capturedNS, at(offSource6, 0xfe, 0x80), Heard{}},
		{"probe to another group", capturedNS, at(offDestination6+15, 1), Heard{}},
		{"probe for a group", capturedNS, at(offNDTarget, 0xff), Heard{}},
		{"claim to a group", capturedNA, at(offNDTarget, 0xff, 2), Heard{}},
		{"from behind a router", capturedNA, at(offHopLimit, 254), Heard{}},
		{"code", capturedNA, at(offICMPCode, 1), Heard{}},
		{"router advertisement", capturedNA, at(offICMP, 134), Heard{}},
		{"UDP", capturedNA, at(offNextHeader, 17), Heard{}},
		{"IPv4 in the Ethernet header", capturedNA, at(offEtherType, 8, 0), Heard{}},
		{"IPv4 in the IP header", capturedNA, at(etherHeaderLen, 0x40), Heard{}},
		{"option without length", capturedNA, at(offNDOptions+1, 0), Heard{}},
		{"option beyond the end", capturedNA, at(offNDOptions+1, 2), Heard{}},
		{"half an option", capturedNA, cut(25), Heard{}},
		{"message cut off", capturedNA, cut(23), Heard{}},
		{"frame cut off", capturedNA, func(b []byte) []byte { return b[:85] }, Heard{}},
	} {
		got, ok := heardNDP(resealed(t, c.frame, c.change))
		if ok != c.want.Address.IsValid() || ok && (got.Address != c.want.Address || got.Probe != c.want.Probe || !bytes.Equal(got.MAC, c.want.MAC)) {
			t.Errorf("%s: %+v, %t, want %+v", c.name, got, ok, c.want)
		}
	}
	damaged := wireBytes(t, capturedNA)
	damaged[offNDTarget+15]++
	if got, ok := heardNDP(damaged); ok {
		t.Errorf("wrong checksum: %+v", got)
	}
}

// FuzzHeard: nothing panics, and what is heard is an address with a MAC; what is built
// is heard again.
func FuzzHeard(f *testing.F) {
	arp := arpFrame{operation: arpRequest, senderMAC: capturedMAC, sender: virtual, target: virtual}
	seeds := [][]byte{arp.bytes(), advertisement(virtual6, capturedMAC), solicitation(virtual6, capturedMAC)}
	arp.sender = netip.IPv4Unspecified()
	seeds = append(seeds, arp.bytes())
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)-1])
		f.Add(append(bytes.Clone(s), make([]byte, 20)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := heardARP(b); ok && (!h.Address.Is4() || len(h.MAC) != 6) {
			t.Fatalf("ARP: %+v", h)
		}
		if message, whole := ndMessage(b); !whole && message != nil && len(message) >= offNDOptions {
			b = sealedAgain(message) // to come past the checksum
		}
		h, ok := heardNDP(b)
		if !ok {
			return
		}
		if !h.Address.Is6() || h.Address.IsMulticast() || len(h.MAC) != 6 {
			t.Fatalf("NDP: %+v", h)
		}
		frame := advertisement(h.Address, h.MAC)
		if h.Probe {
			frame = solicitation(h.Address, h.MAC)
		}
		again, ok := heardNDP(frame)
		if !ok || again.Address != h.Address || again.Probe != h.Probe || !bytes.Equal(again.MAC, h.MAC) {
			t.Fatalf("%+v became %+v, %t", h, again, ok)
		}
	})
}

func sealedAgain(b []byte) []byte {
	b = bytes.Clone(b)
	b[offICMPChecksum], b[offICMPChecksum+1] = 0, 0
	return sealed(b)
}
