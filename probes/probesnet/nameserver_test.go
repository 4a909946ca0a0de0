package probesnet

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/pairkeeper/pairkeeper/probes"
)

// nameServer is one on a loopback port.
type nameServer struct {
	at       string
	streamed atomic.Int64 // connections of TCP
}

// serveNames sends what udp and tcp return to a query, one after the other.
func serveNames(t *testing.T, udp, tcp func(query dnsmessage.Message) [][]byte) *nameServer {
	t.Helper()
	var s nameServer
	s.at = datagrams(t, func(got []byte) [][]byte { return udp(unpacked(t, got)) })
	l, err := net.Listen("tcp", s.at)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			s.streamed.Add(1)
			var length [2]byte
			if _, err := io.ReadFull(c, length[:]); err != nil {
				c.Close()
				continue
			}
			got := make([]byte, binary.BigEndian.Uint16(length[:]))
			io.ReadFull(c, got)
			for _, out := range tcp(unpacked(t, got)) {
				c.Write(out)
			}
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return &s
}

func unpacked(t *testing.T, b []byte) (m dnsmessage.Message) {
	if err := m.Unpack(b); err != nil {
		t.Errorf("the query: %v", err)
	}
	return m
}

func packed(t *testing.T, m dnsmessage.Message) []byte {
	b, err := m.Pack()
	if err != nil {
		t.Errorf("%+v: %v", m, err)
	}
	return b
}

// streamedAs has the length before a message.
func streamedAs(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// answered is the answer to a query.
func answered(q dnsmessage.Message, rcode dnsmessage.RCode, bodies ...dnsmessage.ResourceBody) dnsmessage.Message {
	q.Response, q.RCode = true, rcode
	for _, b := range bodies {
		q.Answers = append(q.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60}, Body: b})
	}
	return q
}

func aRecord(s string) dnsmessage.ResourceBody {
	return &dnsmessage.AResource{A: netip.MustParseAddr(s).As4()}
}

func never(dnsmessage.Message) [][]byte { return nil }

func TestDNSReadsEveryTypeOfRecord(t *testing.T) {
	name := dnsmessage.MustNewName("host.example.com.")
	bodies := map[dnsmessage.Type]dnsmessage.ResourceBody{
		dnsmessage.TypeA:     aRecord("192.0.2.1"),
		dnsmessage.TypeAAAA:  &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr("2001:db8::1").As16()},
		dnsmessage.TypeCNAME: &dnsmessage.CNAMEResource{CNAME: name},
		dnsmessage.TypeNS:    &dnsmessage.NSResource{NS: name},
		dnsmessage.TypePTR:   &dnsmessage.PTRResource{PTR: name},
		dnsmessage.TypeMX:    &dnsmessage.MXResource{Pref: 10, MX: name},
		dnsmessage.TypeSRV:   &dnsmessage.SRVResource{Priority: 1, Weight: 2, Port: 53, Target: name},
		dnsmessage.TypeSOA:   &dnsmessage.SOAResource{NS: name, MBox: name, Serial: 2026, Refresh: 1, Retry: 2, Expire: 3, MinTTL: 4},
		dnsmessage.TypeTXT:   &dnsmessage.TXTResource{TXT: []string{"one ", "text"}},
	}
	s := serveNames(t, func(q dnsmessage.Message) [][]byte {
		if !q.RecursionDesired || q.Questions[0].Name.String() != "example.com." {
			return nil
		}
		return [][]byte{packed(t, answered(q, 0, bodies[q.Questions[0].Type]))}
	}, never)
	for kind, want := range map[string]string{
		"A": "192.0.2.1", "AAAA": "2001:db8::1", "CNAME": "host.example.com.", "NS": "host.example.com.", "PTR": "host.example.com.",
		"MX": "10 host.example.com.", "SRV": "1 2 53 host.example.com.", "TXT": "one text",
		"SOA": "host.example.com. host.example.com. 2026 1 2 3 4",
	} {
		r := lookOnce(t, probes.DNS{Server: s.at, Name: "example.com", Type: kind, Rcode: "NOERROR"}, 30*time.Second)
		if want := s.at + ": " + kind + " example.com: NOERROR, " + want; !r.OK || !r.Answered || r.Detail != want {
			t.Errorf("%+v, want %q", r, want)
		}
	}
	if len(bodies) != len(dnsTypes) {
		t.Errorf("%d types of %d are looked at", len(bodies), len(dnsTypes))
	}
}

func TestDNSJudgesTheAnswer(t *testing.T) {
	s := serveNames(t, func(q dnsmessage.Message) [][]byte {
		var m dnsmessage.Message
		switch strings.ToLower(q.Questions[0].Name.String()) {
		case "two.example.com.":
			m = answered(q, 0, aRecord("192.0.2.1"), aRecord("192.0.2.2"))
		case "empty.example.com.", ".":
			m = answered(q, 0)
		case "refused.example.com.":
			m = answered(q, dnsmessage.RCodeRefused)
			m.Questions = nil
		default:
			m = answered(q, dnsmessage.RCodeNameError)
		}
		return [][]byte{packed(t, m)}
	}, never)
	for _, tt := range []struct {
		name, rcode string
		expect      probes.Text
		ok          bool
		detail      string
	}{
		{"two.example.com", "", probes.Text{}, true, "NOERROR, 192.0.2.1 and 1 more"},
		{"TWO.example.com.", "NOERROR", probes.Text{Regexp: `(?m)^192\.0\.2\.2$`}, true, "NOERROR, 192.0.2.1 and 1 more"},
		{"two.example.com", "NOERROR", probes.Text{Contains: "192.0.2.3"}, false, `NOERROR, the answer does not contain "192.0.2.3": "192.0.2.1\n192.0.2.2"`},
		{"empty.example.com", "NOERROR", probes.Text{}, true, "NOERROR"},
		{".", "NOERROR", probes.Text{}, true, "NOERROR"},
		{"empty.example.com", "NOERROR", probes.Text{Contains: "192"}, false, `NOERROR, the answer does not contain "192": ""`},
		{"gone.example.com", "NOERROR", probes.Text{}, false, "NXDOMAIN, want NOERROR"},
		{"gone.example.com", "NXDOMAIN", probes.Text{}, true, "NXDOMAIN"},
		{"refused.example.com", "NOERROR", probes.Text{}, false, "REFUSED, want NOERROR"},
	} {
		r := lookOnce(t, probes.DNS{Server: s.at, Name: tt.name, Type: "A", Rcode: tt.rcode, Expect: tt.expect}, 30*time.Second)
		if want := s.at + ": A " + tt.name + ": " + tt.detail; r.OK != tt.ok || !r.Answered || r.Detail != want {
			t.Errorf("%+v, want %v %q", r, tt.ok, want)
		}
	}
}

func TestDNSAsksOverTCPWhatDoesNotFit(t *testing.T) {
	truncated := func(q dnsmessage.Message) [][]byte {
		m := answered(q, 0)
		m.Truncated = true
		return [][]byte{packed(t, m)}
	}
	whole := func(q dnsmessage.Message) []byte {
		var all []dnsmessage.ResourceBody
		for i := range 200 {
			all = append(all, &dnsmessage.AResource{A: [4]byte{192, 0, 2, byte(i)}})
		}
		return streamedAs(packed(t, answered(q, 0, all...)))
	}
	for _, tt := range []struct {
		name   string
		tcp    func(dnsmessage.Message) [][]byte
		ok     bool
		detail string
	}{
		{"the whole answer", func(q dnsmessage.Message) [][]byte { return [][]byte{whole(q)} }, true, "NOERROR, 192.0.2.0 and 199 more"},
		{"byte by byte", func(q dnsmessage.Message) (all [][]byte) {
			for _, b := range whole(q) {
				all = append(all, []byte{b})
			}
			return all
		}, true, "NOERROR, 192.0.2.0 and 199 more"},
		{"half an answer", func(q dnsmessage.Message) [][]byte { return [][]byte{whole(q)[:100]} }, false, "the connection was closed before the answer was complete"},
		{"no answer", never, false, "the connection was closed before the answer was complete"},
		{"garbage", func(dnsmessage.Message) [][]byte { return [][]byte{streamedAs([]byte("220 mail"))} }, false, "this is not DNS: unpacking header: id: insufficient data for base length type"},
	} {
		s := serveNames(t, truncated, tt.tcp)
		r := lookOnce(t, probes.DNS{Server: s.at, Name: "example.com", Type: "A"}, 30*time.Second)
		got := strings.TrimPrefix(r.Detail, s.at+": A example.com: ")
		if tt.name == "garbage" && strings.HasPrefix(got, "this is not DNS: ") {
			got = tt.detail // the rest is the codec's
		}
		if r.OK != tt.ok || got != tt.detail {
			t.Errorf("%s: %+v, want %q", tt.name, r, tt.detail)
		}
		if n := s.streamed.Load(); n != 1 {
			t.Errorf("%s: %d connections", tt.name, n)
		}
	}
}

func TestDNSTakesOnlyTheAnswerToItsQuestion(t *testing.T) {
	stray := func(q dnsmessage.Message) [][]byte {
		other, question, own := answered(q, 0, aRecord("192.0.2.66")), answered(q, 0, aRecord("192.0.2.66")), q
		other.ID++
		question.Questions = []dnsmessage.Question{{Name: dnsmessage.MustNewName("other."), Type: q.Questions[0].Type, Class: q.Questions[0].Class}}
		return [][]byte{[]byte("x"), packed(t, other), packed(t, question), packed(t, own)}
	}
	late := serveNames(t, func(q dnsmessage.Message) [][]byte {
		return append(stray(q), packed(t, answered(q, 0, aRecord("192.0.2.1"))))
	}, never)
	if r := lookOnce(t, probes.DNS{Server: late.at, Name: "example.com", Type: "A"}, 30*time.Second); !r.OK || !strings.HasSuffix(r.Detail, "NOERROR, 192.0.2.1") {
		t.Errorf("behind the others: %+v", r)
	}
	s := serveNames(t, stray, never)
	r := lookOnce(t, probes.DNS{Server: s.at, Name: "example.com", Type: "A"}, 300*time.Millisecond)
	if want := s.at + ": A example.com: no answer within 300ms, but something else: an answer to another question"; r.OK || r.Answered || r.Detail != want {
		t.Errorf("%+v, want %q", r, want)
	}
}

func TestDNSNoticesThatNobodyAnswers(t *testing.T) {
	hole := serveNames(t, never, never)
	if r := lookOnce(t, probes.DNS{Server: hole.at, Name: "a.", Type: "SOA"}, 200*time.Millisecond); r.OK || r.Answered || r.Detail != hole.at+": SOA a.: no answer within 200ms" {
		t.Errorf("a black hole: %+v", r)
	}
	shut := closedUDP(t)
	if r := lookOnce(t, probes.DNS{Server: shut, Name: "a.", Type: "SOA"}, 30*time.Second); r.OK || !r.Refused || r.Detail != shut+": SOA a.: connection refused" {
		t.Errorf("a closed port: %+v", r)
	}
	broken := serveNames(t, func(q dnsmessage.Message) [][]byte {
		return [][]byte{packed(t, answered(q, 0, aRecord("192.0.2.1")))[:30]}
	}, never)
	if r := lookOnce(t, probes.DNS{Server: broken.at, Name: "example.com", Type: "A"}, 300*time.Millisecond); r.OK || !strings.Contains(r.Detail, "no answer within 300ms, but something else: ") {
		t.Errorf("half an answer: %+v", r)
	}
}

func TestDNSQuestionsThatCannotBeAskedAreUnusable(t *testing.T) {
	for _, c := range []probes.DNS{
		{Name: strings.Repeat("a", 64) + ".com", Type: "A"}, {Name: "a..b", Type: "A"}, {Name: strings.Repeat("abc.", 80), Type: "A"},
		{Name: "a", Type: "ANY"}, {Name: "a", Type: "A", Rcode: "OK"},
	} {
		if err := Usable(probes.Config{Check: c}); err == nil {
			t.Errorf("%+v can be used", c)
		}
	}
}
