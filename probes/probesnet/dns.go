package probesnet

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/pairkeeper/pairkeeper/probes"
)

// dnsProbe asks a name server itself (RFC 1035), not by way of this host's resolver.
type dnsProbe struct {
	cfg      probes.DNS
	timeout  time.Duration
	question dnsmessage.Question
	rcode    dnsmessage.RCode
	expect   text
	dialer   *net.Dialer
}

func newDNSProbe(c probes.DNS, timeout time.Duration, d *net.Dialer) (*dnsProbe, error) {
	p := &dnsProbe{cfg: c, timeout: timeout, dialer: d}
	var err error
	if p.question, err = questionOf(c); err != nil {
		return p, err
	}
	if p.rcode, err = rcodeOf(c.Rcode); err != nil {
		return p, err
	}
	p.expect, err = newText(c.Expect)
	return p, err
}

func questionOf(c probes.DNS) (dnsmessage.Question, error) {
	q := dnsmessage.Question{Class: dnsmessage.ClassINET}
	var err error
	if q.Name, err = dnsmessage.NewName(strings.TrimSuffix(c.Name, ".") + "."); err != nil {
		return q, fmt.Errorf("%q is not a name: %w", c.Name, err)
	}
	var known bool
	if q.Type, known = dnsTypes[c.Type]; !known {
		return q, fmt.Errorf("%q is not a type of record that can be asked for", c.Type)
	}
	_, err = packQuery(q, 0)
	return q, err
}

var dnsTypes = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME,
	"MX": dnsmessage.TypeMX, "NS": dnsmessage.TypeNS, "PTR": dnsmessage.TypePTR,
	"SOA": dnsmessage.TypeSOA, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT,
}

// rcodes are what a server may answer, as dig writes it (RFC 1035 4.1.1).
var rcodes = []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}

func rcodeOf(word string) (dnsmessage.RCode, error) {
	for i, w := range rcodes {
		if w == word || word == "" && i == 0 {
			return dnsmessage.RCode(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", word, strings.Join(rcodes, ", "))
}

func rcodeWord(c dnsmessage.RCode) string {
	if int(c) < len(rcodes) {
		return rcodes[c]
	}
	return fmt.Sprintf("RCODE%d", c)
}

func (p *dnsProbe) look(ctx context.Context) Result {
	var how progress
	answer, err := p.ask(how.follow(ctx))
	r := Result{Answered: err == nil, Refused: errors.Is(err, syscall.ECONNREFUSED)}
	if err != nil {
		r.Detail = how.explain(err, p.timeout)
	} else {
		r.OK, r.Detail = p.judge(answer)
	}
	r.Detail = fmt.Sprintf("%s: %s %s: %s", p.cfg.Server, p.cfg.Type, p.cfg.Name, r.Detail)
	return r
}

// judge tells what an answer is worth.
func (p *dnsProbe) judge(a dnsAnswer) (ok bool, detail string) {
	if a.rcode != p.rcode {
		return false, fmt.Sprintf("%s, want %s", rcodeWord(a.rcode), rcodeWord(p.rcode))
	}
	detail = rcodeWord(a.rcode)
	data := strings.Join(a.data, "\n")
	if lack := p.expect.missing([]byte(data)); lack != "" {
		return false, fmt.Sprintf("%s, the answer %s: %q", detail, lack, data[:min(len(data), shownAnswer)])
	}
	if n := len(a.data); n > 0 {
		detail += ", " + firstOf(a.data[0])
		if n > 1 {
			detail += fmt.Sprintf(" and %d more", n-1)
		}
	}
	return true, detail
}

// ask asks over UDP, and again over TCP where the answer had to be cut.
func (p *dnsProbe) ask(ctx context.Context) (dnsAnswer, error) {
	a, err := p.over(ctx, "udp")
	if err == nil && a.truncated {
		a, err = p.over(ctx, "tcp")
	}
	return a, err
}

func (p *dnsProbe) over(ctx context.Context, network string) (dnsAnswer, error) {
	c, err := p.dialer.DialContext(ctx, network, p.cfg.Server)
	if err != nil {
		return dnsAnswer{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	var id [2]byte
	_, _ = rand.Read(id[:]) // never errs
	query, err := packQuery(p.question, binary.BigEndian.Uint16(id[:]))
	if err != nil {
		return dnsAnswer{}, err
	}
	if network == "tcp" {
		return p.stream(c, query)
	}
	return p.datagrams(c, query)
}

// datagrams waits for the answer to a query: what is none may be anybody's.
func (p *dnsProbe) datagrams(c net.Conn, query []byte) (dnsAnswer, error) {
	if _, err := c.Write(query); err != nil {
		return dnsAnswer{}, err
	}
	var stray error
	for buf := make([]byte, maxDatagram); ; {
		n, err := c.Read(buf)
		if err != nil && stray != nil && timedOut(err) {
			return dnsAnswer{}, fmt.Errorf("no answer within %s, but something else: %w", p.timeout, stray)
		}
		if err != nil {
			return dnsAnswer{}, err
		}
		a, err := answerTo(query, p.question, buf[:n])
		if err == nil {
			return a, nil
		}
		stray = err
	}
}

// stream has the length before each message (RFC 1035 4.2.2).
func (p *dnsProbe) stream(c net.Conn, query []byte) (dnsAnswer, error) {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(query)))
	if _, err := c.Write(append(out, query...)); err != nil {
		return dnsAnswer{}, err
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return dnsAnswer{}, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, msg); err != nil {
		return dnsAnswer{}, err
	}
	return answerTo(query, p.question, msg)
}

func packQuery(q dnsmessage.Question, id uint16) ([]byte, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
	return m.Pack()
}
