package vrrp

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

// FuzzParse: nothing panics, a refusal is a listed one, and an accepted advert can be
// written and says the same when read again. A wrong checksum is also put right, to
// come past it.
func FuzzParse(f *testing.F) {
	for _, r := range recordedAdverts(f) {
		f.Add(r.message, r.envelope.Source.Is6())
		f.Add(append(bytes.Clone(r.message), make([]byte, 6)...), r.envelope.Source.Is6())
	}
	carp, err := hex.DecodeString(carpMessage)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(carp, false)

	v4, v6 := recordedAdvert(f, "v3-ipv4").envelope, recordedAdvert(f, "v3-ipv6").envelope
	pass := recordedAdvert(f, "v2-pass").format.Auth
	f.Fuzz(func(t *testing.T, b []byte, ipv6 bool) {
		env := v4
		if ipv6 {
			env = v6
		}
		vrid, ok := PeekVRID(b)
		if ok != (len(b) >= 8) {
			t.Fatalf("PeekVRID of %d bytes: %t", len(b), ok)
		}
		for _, format := range []Format{
			{Version: V2, VRID: vrid},
			{Version: V2, VRID: vrid, Auth: pass},
			{Version: V3, VRID: vrid},
			{Version: V3, VRID: vrid, Checksum: ChecksumPlain},
		} {
			var ad Advert
			refusal := format.Parse(&ad, b, env)
			if refusal == RefusalChecksum {
				refusal = format.Parse(&ad, repaired(format, b, env), env)
			}
			checkParsed(t, format, &ad, refusal, env)
		}
	})
}

// repaired is the message without padding and with a right checksum.
func repaired(f Format, b []byte, env Envelope) []byte {
	size, _ := f.addressLen(env)
	return resum(bytes.Clone(b[:headerLen+int(b[offCount])*size+f.trailerLen()]), env)
}

func checkParsed(t *testing.T, f Format, ad *Advert, refusal Refusal, env Envelope) {
	t.Helper()
	if refusal != "" {
		for _, known := range Refusals() {
			if refusal == known {
				return
			}
		}
		t.Fatalf("unknown refusal %q", refusal)
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
