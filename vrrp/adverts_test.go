package vrrp

import (
	_ "embed"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed testdata/adverts.txt
var advertsFile string

// recorded is a message of another implementation, and what it says.
type recorded struct {
	name     string
	format   Format
	advert   Advert
	envelope Envelope
	message  []byte
}

// recordedAdverts reads testdata/adverts.txt.
func recordedAdverts(t testing.TB) []recorded {
	t.Helper()
	var all []recorded
	for line := range strings.Lines(advertsFile) {
		if f := strings.Fields(line); len(f) > 0 && f[0] != "#" {
			all = append(all, parseRecorded(t, f))
		}
	}
	if len(all) == 0 {
		t.Fatal("testdata/adverts.txt holds no message")
	}
	return all
}

func recordedAdvert(t testing.TB, name string) recorded {
	t.Helper()
	for _, r := range recordedAdverts(t) {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("testdata/adverts.txt holds no message %s", name)
	return recorded{}
}

func parseRecorded(t testing.TB, f []string) recorded {
	t.Helper()
	if len(f) < 11 {
		t.Fatalf("testdata/adverts.txt: %s: %d columns", f[0], len(f))
	}
	check := func(err error) {
		if err != nil {
			t.Fatalf("testdata/adverts.txt: %s: %v", f[0], err)
		}
	}
	number := func(s string) uint8 {
		n, err := strconv.ParseUint(s, 10, 8)
		check(err)
		return uint8(n)
	}
	address := func(s string) netip.Addr {
		a, err := netip.ParseAddr(s)
		check(err)
		return a
	}
	interval, err := time.ParseDuration(f[6])
	check(err)
	message, err := hex.DecodeString(strings.Join(f[10:], ""))
	check(err)

	r := recorded{name: f[0], message: message}
	r.format = Format{Version: Version(number(f[1])), VRID: number(f[4])}
	if f[3] == "plain" {
		r.format.Checksum = ChecksumPlain
	}
	r.envelope = Envelope{Source: address(f[7]), Destination: address(f[8]), TTL: 255}
	if !r.envelope.Destination.IsMulticast() {
		r.format.Peers = []Peer{{Address: r.envelope.Source}}
	}
	r.advert = Advert{
		Version:  r.format.Version,
		VRID:     r.format.VRID,
		Priority: number(f[5]),
		Interval: interval,
	}
	for a := range strings.SplitSeq(f[9], ",") {
		r.advert.Addresses = append(r.advert.Addresses, address(a))
	}
	auth := strings.Split(f[2], ":")
	switch auth[0] {
	case "pass":
		r.format.Auth = Auth{Type: AuthPass, Key: []byte(auth[1])}
	case "ah":
		r.format.Auth = Auth{Type: AuthAH, Key: []byte(auth[1])}
		r.envelope.Protocol, r.envelope.ID = ProtocolAH, uint16(number(auth[2]))
		r.advert.Sequence = uint64(number(auth[3]))
	case "hmac":
		r.format.Auth = Auth{Type: AuthHMAC, Keys: []HMACKey{{number(auth[1]), secretOf(32)}}}
		r.advert.Sequence, err = strconv.ParseUint(auth[2], 16, 64)
		check(err)
	}
	return r
}
