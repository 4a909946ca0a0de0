package vrrp

// packet is a packet taken apart. What is not there is empty.
type packet struct {
	env     Envelope
	ah      []byte // IP Authentication Header
	msg     []byte // VRRP message; in version 2 it ends in the authentication data
	trailer []byte // signature of AuthHMAC
}

// cut takes what follows the addresses off, which end at size; ip is the length of the
// IP header. Padding is no more than a minimal Ethernet frame needs (IEEE 802.3), and a
// trailer is longer than that.
func (p *packet) cut(f Format, size, ip int) Refusal {
	if f.Version == V2 {
		size += authDataLen
	}
	b := p.msg
	if len(b) < size {
		return RefusalLength
	}
	p.msg = b[:size]
	switch {
	case f.Version == V3 && f.isTrailer(b[size:]):
		p.trailer = b[size:]
	case len(b) > size && ip+len(p.ah)+len(b) > ethernetMinimum:
		return RefusalLength
	}
	return ""
}

// authUnknown is an authentication that no Format has.
const authUnknown AuthType = 0xff

// auth is how a packet is authenticated.
func (p packet) auth(v Version) AuthType {
	got := AuthNone
	switch {
	case v == V2:
		got = AuthType(p.msg[offAuthTypeV2])
	case len(p.trailer) > 0:
		got = AuthHMAC
	}
	if (got == AuthAH) != (len(p.ah) > 0) {
		return authUnknown
	}
	return got
}
