package fencing

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// A message is a fixed head, two names, the claims, and an HMAC-SHA256 over all of it.
// Numbers are big-endian.
//
//	 0     4 5   6     7     8       16       24     32           40
//	|magic |v|key|class|flags|session|sequence|uptime|echo session|echo sequence|
//	 48    56    64    72       80         81                            +2
//	|config|proxy|clock|restarts|len|node …|len|version …|n|MAC addresses …|an operator's …|count| claims …| HMAC (32)
//
// What an operator wants is the serial (8), kind (1) and time (8) of the order, the serial (8)
// and the refusal (len, text) of the consent, and the time left (8) and the words (len, text) of
// maintenance and of the freeze. A claim is the router's key (4), its priority (1), and role and
// flags (1).
const (
	magic     = "pkhb"
	formatNow = 1

	offFormat  = 4
	offKey     = 5
	offClass   = 6
	offFlags   = 7
	offSession = 8
	headLen    = 80
	claimLen   = 6
	macLen     = sha256.Size

	flagMaintenance = 1 << 0
	gatewayShift    = 1 // two bits
	flagFreeze      = 1 << 3
	roleMask        = 0x03
	claimHears      = 1 << 2
	claimLong       = 1 << 3
	claimHeldOff    = 1 << 4
	claimAsks       = 1 << 5
	claimFavoured   = 1 << 6
	claimMoves      = 1 << 7
	orderLen        = 8 + 1 + 8 + 8
	noticeLen       = 8 + 1
)

// The bounds of a message.
const (
	MaxClaims   = 4096
	MaxRestarts = 5 * time.Minute
	MaxMACs     = 255
	maxName     = 255
	MaxMessage  = headLen + 5*(1+maxName) + 1 + MaxMACs*len(MAC{}) + orderLen + 2*8 + 2 + MaxClaims*claimLen + macLen
)

// Key is a secret that both nodes have.
type Key struct {
	ID     uint8 // 1..255
	Secret []byte
}

// Append adds a signed message. It errs where the heartbeat does not fit into one.
func (h *Heartbeat) Append(b []byte, key Key) ([]byte, error) {
	switch {
	case len(h.Node) == 0 || len(h.Node) > maxName || len(h.Version) > maxName:
		return b, fmt.Errorf("heartbeat: a name has 1 to %d bytes, a version at most as many", maxName)
	case len(h.Claims) > MaxClaims:
		return b, fmt.Errorf("heartbeat: %d routers, %d are possible", len(h.Claims), MaxClaims)
	case max(len(h.Consent.Refusal), len(h.Maintenance.Why), len(h.Freeze.Why)) > maxName:
		return b, fmt.Errorf("heartbeat: a reason has at most %d bytes", maxName)
	case len(h.MACs) > MaxMACs:
		return b, fmt.Errorf("heartbeat: %d MAC addresses, %d are possible", len(h.MACs), MaxMACs)
	case h.Session == 0 || h.Sequence == 0:
		return b, fmt.Errorf("heartbeat: a session and a sequence are not 0")
	case key.ID == 0 || len(key.Secret) == 0:
		return b, fmt.Errorf("heartbeat: there is no key")
	}
	start := len(b)
	b = append(b, magic...)
	b = append(b, formatNow, key.ID, byte(h.Class), h.flags())
	for _, n := range [...]uint64{h.Session, h.Sequence, uint64(h.Uptime), h.EchoSession, h.EchoSequence, h.Config, h.Proxy, uint64(h.Clock), uint64(h.Restarts)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(append(b, byte(len(h.Node))), h.Node...)
	b = append(append(b, byte(len(h.Version))), h.Version...)
	b = append(b, byte(len(h.MACs)))
	for i := range h.MACs {
		b = append(b, h.MACs[i][:]...)
	}
	b = h.appendOrder(b)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Claims)))
	for _, c := range h.Claims {
		b = append(binary.BigEndian.AppendUint32(b, c.Router), c.Priority, c.flags())
	}
	return append(b, sum(b[start:], key)...), nil
}

func (h *Heartbeat) flags() byte {
	f := byte(h.Gateway) << gatewayShift
	if h.Maintenance.On {
		f |= flagMaintenance
	}
	if h.Freeze.On {
		f |= flagFreeze
	}
	return f
}

func (c Claim) flags() byte {
	f := byte(c.Role)
	if c.Hears {
		f |= claimHears
	}
	if c.Long {
		f |= claimLong
	}
	if c.Asks {
		f |= claimAsks
	}
	if c.HeldOff {
		f |= claimHeldOff
	}
	if c.Favoured {
		f |= claimFavoured
	}
	if c.Moves {
		f |= claimMoves
	}
	return f
}

func sum(b []byte, key Key) []byte {
	mac := hmac.New(sha256.New, key.Secret)
	mac.Write(b)
	return mac.Sum(nil)
}

// Parse reads a message into h, whose memory it uses again. What is not signed with one of
// the keys leaves h as it was.
func (h *Heartbeat) Parse(b []byte, keys []Key) Refusal {
	if len(b) < headLen+2+1+orderLen+1+2*noticeLen+2+macLen || len(b) > MaxMessage || string(b[:len(magic)]) != magic {
		return RefusalGarbage
	}
	if b[offFormat] != formatNow {
		return RefusalFormat
	}
	body, mac := b[:len(b)-macLen], b[len(b)-macLen:]
	known := false
	for _, k := range keys {
		if k.ID != b[offKey] {
			continue
		}
		known = true
		if hmac.Equal(sum(body, k), mac) {
			return h.read(body)
		}
	}
	if known {
		return RefusalMAC
	}
	return RefusalKey
}

// read takes over a body that is signed; one that makes no sense is from another format.
func (h *Heartbeat) read(b []byte) Refusal {
	claims, macs := h.Claims[:0], h.MACs[:0]
	out := Heartbeat{
		Class:       Class(b[offClass]),
		Maintenance: Notice{On: b[offFlags]&flagMaintenance != 0},
		Freeze:      Notice{On: b[offFlags]&flagFreeze != 0},
		Gateway:     Reach(b[offFlags] >> gatewayShift & 3),
	}
	var uptime, clock, restarts uint64
	for i, to := range [...]*uint64{&out.Session, &out.Sequence, &uptime, &out.EchoSession, &out.EchoSequence, &out.Config, &out.Proxy, &clock, &restarts} {
		*to = binary.BigEndian.Uint64(b[offSession+8*i:])
	}
	out.Uptime, out.Clock, out.Restarts = time.Duration(uptime), int64(clock), time.Duration(restarts)
	var rest []byte
	var ok bool
	if out.Node, rest, ok = name(b[headLen:], h.Node); !ok || out.Node == "" {
		return RefusalFormat
	}
	if out.Version, rest, ok = name(rest, h.Version); !ok || len(rest) < 1 || len(rest) < 1+int(rest[0])*len(MAC{})+2 {
		return RefusalFormat
	}
	many := int(rest[0])
	for rest = rest[1:]; many > 0; many-- {
		macs = append(macs, MAC(rest[:len(MAC{})]))
		rest = rest[len(MAC{}):]
	}
	if rest, ok = out.readOrder(rest, h); !ok {
		return RefusalFormat
	}
	count := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if count > MaxClaims || len(rest) != count*claimLen || out.Session == 0 || out.Sequence == 0 || out.Class > Resigned || out.Restarts < 0 || out.Restarts > MaxRestarts || out.Gateway > Doubtful {
		return RefusalFormat
	}
	for ; len(rest) > 0; rest = rest[claimLen:] {
		c := Claim{Router: binary.BigEndian.Uint32(rest), Priority: rest[4], Role: Role(rest[5] & roleMask), Hears: rest[5]&claimHears != 0}
		c.Long, c.HeldOff, c.Asks = rest[5]&claimLong != 0, rest[5]&claimHeldOff != 0, rest[5]&claimAsks != 0
		c.Favoured, c.Moves = rest[5]&claimFavoured != 0, rest[5]&claimMoves != 0
		if c.Role > Holds {
			return RefusalFormat
		}
		claims = append(claims, c)
	}
	out.Claims, out.MACs = claims, macs
	*h = out
	return ""
}

// name reads a text; one that is as before needs no memory.
func name(b []byte, before string) (s string, rest []byte, ok bool) {
	if len(b) < 1 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	s, rest = before, b[1+int(b[0]):]
	if text := b[1 : 1+int(b[0])]; string(text) != before {
		s = string(text)
	}
	return s, rest, true
}
