package vrrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// FuzzParse: nothing panics, a refusal is a listed one, and an accepted advert can be
// written and says the same when read again. A wrong checksum or signature is also put
// right, to come past it.
func FuzzParse(f *testing.F) {
	for _, r := range recordedAdverts(f) {
		ipv6, ah := r.envelope.Source.Is6(), r.envelope.Protocol == ProtocolAH
		f.Add(r.message, ipv6, ah)
		f.Add(append(bytes.Clone(r.message), make([]byte, 6)...), ipv6, ah)
	}
	carp, err := hex.DecodeString(carpMessage)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(carp, false, false)

	v4, v6 := recordedAdvert(f, "v3-ipv4").envelope, recordedAdvert(f, "v3-ipv6").envelope
	pass, header := recordedAdvert(f, "v2-pass").format.Auth, recordedAdvert(f, "v2-ah").format.Auth
	f.Fuzz(func(t *testing.T, b []byte, ipv6, ah bool) {
		env := v4
		if ipv6 {
			env = v6
		}
		shortest := headerLen
		if ah {
			env.Protocol, env.ID = ProtocolAH, 1
			shortest += ahLen
		}
		vrid, ok := PeekVRID(b, env.Protocol)
		if ok != (len(b) >= shortest) {
			t.Fatalf("PeekVRID of %d bytes: %t", len(b), ok)
		}
		for _, format := range fuzzedFormats(vrid, env.Source, pass, header) {
			env := env
			if len(format.Peers) > 0 {
				env.Destination = env.Source.Next()
			}
			var ad Advert
			refusal := format.Parse(&ad, b, env)
			switch refusal {
			case RefusalChecksum, RefusalHMACBad, RefusalAuthMismatch:
				refusal = format.Parse(&ad, mended(t, format, b, env), env)
			}
			checkParsed(t, format, &ad, refusal, env)
		}
	})
}

// fuzzedFormats is one of each kind.
func fuzzedFormats(vrid uint8, peer netip.Addr, pass, header Auth) []Format {
	formats := []Format{
		{Version: V2, VRID: vrid},
		{Version: V2, VRID: vrid, Auth: pass},
		{Version: V2, VRID: vrid, Auth: header},
		{Version: V3, VRID: vrid},
		{Version: V3, VRID: vrid, Checksum: ChecksumPlain},
	}
	for _, mode := range []HMACMode{HMACEnforce, HMACPermissive, HMACReceiveOnly} {
		f := withMode(mode)
		f.VRID = vrid
		formats = append(formats, f)
	}
	for _, f := range slices.Clone(formats) {
		f.Peers = []Peer{{Address: peer}}
		formats = append(formats, f)
	}
	return formats
}

// mended is the packet without padding and with right signature and checksum.
func mended(t *testing.T, f Format, b []byte, env Envelope) []byte {
	t.Helper()
	b = bytes.Clone(b)
	p, r := cutAH(b, env)
	if r != "" {
		t.Fatal(r)
	}
	size, ip := f.addressLen(env)
	if r := p.cut(f, headerLen+int(p.msg[offCount])*size, ip); r != "" {
		t.Fatal(r)
	}
	if len(p.trailer) > 0 {
		key, ok := f.Auth.key(p.trailer[offKeyID])
		if !ok {
			t.Fatalf("a signature by key %d cannot be bad", p.trailer[offKeyID])
		}
		mac := f.mac(p, key)
		copy(p.trailer[offMAC:], mac[:])
	}
	binary.BigEndian.PutUint16(p.msg[offChecksum:], 0)
	binary.BigEndian.PutUint16(p.msg[offChecksum:], f.checksum(p, env.Source))
	if len(p.ah) > 0 {
		f.signAH(p)
	}
	return b[:len(p.ah)+len(p.msg)+len(p.trailer)]
}

func checkParsed(t *testing.T, f Format, ad *Advert, refusal Refusal, env Envelope) {
	t.Helper()
	if refusal != "" {
		if !slices.Contains(Refusals(), refusal) {
			t.Fatalf("unknown refusal %q", refusal)
		}
		return
	}
	if f.Auth.Type == AuthHMAC {
		// Read unsigned or signed, it is written back in the same way.
		f.Auth.Mode = HMACPermissive
		if ad.Sequence == 0 {
			f.Auth.Mode = HMACReceiveOnly
		}
	}
	written, err := f.Append(nil, ad, env)
	if err != nil {
		t.Fatalf("accepted, but not written: %v", err)
	}
	var again Advert
	if r := f.Parse(&again, written, env); r != "" || !reflect.DeepEqual(again, *ad) {
		t.Fatalf("refusal %q, -want +got\n-%+v\n+%+v", r, *ad, again)
	}
}
