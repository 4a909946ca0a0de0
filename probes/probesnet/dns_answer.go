package probesnet

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// dnsAnswer is what a name server says to a question.
type dnsAnswer struct {
	rcode     dnsmessage.RCode
	truncated bool
	data      []string // of the records, as in a zone file
}

// answerTo reads the answer to a query; an error tells why a message is none.
func answerTo(query []byte, q dnsmessage.Question, msg []byte) (dnsAnswer, error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	switch {
	case err != nil:
		return dnsAnswer{}, fmt.Errorf("this is not DNS: %w", err)
	case !h.Response || h.ID != uint16(query[0])<<8|uint16(query[1]):
		return dnsAnswer{}, errors.New("an answer to another question")
	}
	asked, err := p.AllQuestions()
	if err != nil {
		return dnsAnswer{}, fmt.Errorf("this is not DNS: %w", err)
	}
	a := dnsAnswer{rcode: h.RCode, truncated: h.Truncated}
	if len(asked) == 0 && h.RCode != dnsmessage.RCodeSuccess {
		return a, nil // some servers do not repeat what they refuse
	}
	if len(asked) != 1 || !sameQuestion(asked[0], q) {
		return dnsAnswer{}, errors.New("an answer to another question")
	}
	if h.Truncated {
		return a, nil
	}
	records, err := p.AllAnswers()
	if err != nil {
		return dnsAnswer{}, fmt.Errorf("the answer is broken: %w", err)
	}
	for _, r := range records {
		a.data = append(a.data, dataOf(r.Body))
	}
	return a, nil
}

// sameQuestion compares names without regard to case, which servers may change.
func sameQuestion(a, b dnsmessage.Question) bool {
	return a.Type == b.Type && a.Class == b.Class && strings.EqualFold(a.Name.String(), b.Name.String())
}

// dataOf is the data of a record as a zone file has it.
func dataOf(body dnsmessage.ResourceBody) string {
	switch r := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(r.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(r.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return r.CNAME.String()
	case *dnsmessage.NSResource:
		return r.NS.String()
	case *dnsmessage.PTRResource:
		return r.PTR.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", r.Pref, r.MX)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, r.Target)
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", r.NS, r.MBox, r.Serial, r.Refresh, r.Retry, r.Expire, r.MinTTL)
	case *dnsmessage.TXTResource:
		return strings.Join(r.TXT, "")
	}
	return "another record"
}
