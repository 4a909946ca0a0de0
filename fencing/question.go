package fencing

import (
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"time"
)

// A witness is asked and answers in messages of one form: a fixed head, two names, and an
// HMAC-SHA256 over all of it. Numbers are big-endian.
//
//	0     4 5   6    7       8     16        24    28
//	|magic |v|key|kind|verdict|nonce|challenge|lease|len|lease's name …|len|node …| MAC (32)
//
// Of an answer the node is who has the lease.
const (
	magicQuestion = "pkwq"
	magicReply    = "pkwa"
	voteHead      = 28
	// MaxQuestion is the length of the longest question or reply.
	MaxQuestion = voteHead + 2*(1+maxName) + macLen
)

// Question is what a node asks a witness.
type Question struct {
	Kind CallKind
	// Nonce is drawn for each question; the answer names it.
	Nonce uint64
	// Challenge is the newest of the witness for this node and lease; 0: none is known. A
	// claim or a return without it is not heeded, so that none that was recorded is.
	Challenge uint64
	Lease     string        // its name
	Node      string        // who asks
	For       time.Duration // how long the lease lasts
}

// Reply is what a witness answers.
type Reply struct {
	Kind      CallKind
	Verdict   Verdict
	Stale     bool // the question had another challenge than this reply has
	Nonce     uint64
	Challenge uint64
	Lease     string
	Owner     string // who has the lease; empty: nobody
}

// stale is in the place of a verdict.
const stale = 0xff

// Append adds a signed question.
func (q *Question) Append(b []byte, key Key) ([]byte, error) {
	return appendVote(b, key, magicQuestion, byte(q.Kind), 0, [...]uint64{q.Nonce, q.Challenge}, q.For, q.Lease, q.Node)
}

// Append adds a signed reply.
func (r *Reply) Append(b []byte, key Key) ([]byte, error) {
	verdict := byte(r.Verdict)
	if r.Stale {
		verdict = stale
	}
	return appendVote(b, key, magicReply, byte(r.Kind), verdict, [...]uint64{r.Nonce, r.Challenge}, 0, r.Lease, r.Owner)
}

func appendVote(b []byte, key Key, magic string, kind, verdict byte, nonces [2]uint64, lease time.Duration, names ...string) ([]byte, error) {
	if key.ID == 0 || len(key.Secret) == 0 {
		return b, fmt.Errorf("vote: there is no key")
	}
	start := len(b)
	b = append(append(b, magic...), formatNow, key.ID, kind, verdict)
	for _, n := range nonces {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(lease/time.Millisecond))
	for _, name := range names {
		if len(name) > maxName {
			return b[:start], fmt.Errorf("vote: the name %q is longer than %d bytes", name, maxName)
		}
		b = append(append(b, byte(len(name))), name...)
	}
	return append(b, sum(b[start:], key)...), nil
}

// Parse reads a question, and tells which of the keys signed it.
func (q *Question) Parse(b []byte, keys []Key) (key int, r Refusal) {
	v, key, r := parseVote(b, magicQuestion, keys)
	if r != "" {
		return 0, r
	}
	if v.kind > CallReturn || v.names[0] == "" || v.names[1] == "" || v.lease < MinLease || v.lease > MaxLease {
		return 0, RefusalFormat
	}
	*q = Question{Kind: v.kind, Nonce: v.nonce, Challenge: v.challenge, Lease: v.names[0], Node: v.names[1], For: v.lease}
	return key, ""
}

// Parse reads a reply.
func (r *Reply) Parse(b []byte, keys []Key) Refusal {
	v, _, refusal := parseVote(b, magicReply, keys)
	if refusal != "" {
		return refusal
	}
	if v.kind > CallReturn || v.verdict > byte(VerdictBegun) && v.verdict != stale {
		return RefusalFormat
	}
	*r = Reply{Kind: v.kind, Stale: v.verdict == stale, Nonce: v.nonce, Challenge: v.challenge, Lease: v.names[0], Owner: v.names[1]}
	if !r.Stale {
		r.Verdict = Verdict(v.verdict)
	}
	return ""
}

// The bounds of a lease.
const (
	MinLease = 100 * time.Millisecond
	MaxLease = time.Minute
)

type voteMessage struct {
	kind             CallKind
	verdict          byte
	nonce, challenge uint64
	lease            time.Duration
	names            [2]string
}

func parseVote(b []byte, magic string, keys []Key) (v voteMessage, key int, r Refusal) {
	switch {
	case len(b) < voteHead+2+macLen || len(b) > MaxQuestion || string(b[:len(magic)]) != magic:
		return v, 0, RefusalGarbage
	case b[offFormat] != formatNow:
		return v, 0, RefusalFormat
	}
	body, mac := b[:len(b)-macLen], b[len(b)-macLen:]
	r = RefusalKey
	for i, k := range keys {
		if k.ID != b[offKey] {
			continue
		}
		if hmac.Equal(sum(body, k), mac) {
			return v, i, v.read(body)
		}
		r = RefusalMAC
	}
	return v, 0, r
}

func (v *voteMessage) read(b []byte) Refusal {
	v.kind, v.verdict = CallKind(b[6]), b[7]
	v.nonce, v.challenge = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	v.lease = time.Duration(binary.BigEndian.Uint32(b[24:])) * time.Millisecond
	rest := b[voteHead:]
	for i := range v.names {
		var ok bool
		if v.names[i], rest, ok = name(rest, ""); !ok {
			return RefusalFormat
		}
	}
	if len(rest) != 0 {
		return RefusalFormat
	}
	return ""
}
