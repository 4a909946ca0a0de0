package vrrp

import (
	"bytes"
	"testing"
)

// The example of RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sum to 2ddf0, folded ddf2.
func TestSumOfRFC1071(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	if s := sum(b); s != 0x2ddf0 {
		t.Errorf("sum %#x", s)
	}
	if s := fold(0x2ddf0); s != 0xddf2 {
		t.Errorf("folded %#x", s)
	}
	if s := fold(0x1ffff); s != 1 {
		t.Errorf("folded %#x, though the carry carries", s)
	}
	if c := (Format{Version: V2}).checksum(packet{msg: b}, Group4); c != 0x220d {
		t.Errorf("checksum %#x", c)
	}
}

func TestLongestMessageDoesNotOverflowTheSum(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, headerLen+maxAddresses*16)
	if s, want := sum(b), uint32(len(b)/2)*0xffff; s != want {
		t.Errorf("%d, want %d", s, want)
	}
}
