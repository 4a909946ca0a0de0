package probesnet

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzAnswerTo reads whatever a name server may send.
func FuzzAnswerTo(f *testing.F) {
	q := dnsmessage.Question{Name: dnsmessage.MustNewName("example.com."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	query, err := packQuery(q, 0x1234)
	if err != nil {
		f.Fatal(err)
	}
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		f.Fatal(err)
	}
	whole, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: 0x1234, Response: true}, Questions: m.Questions, Answers: answered(m, 0, aRecord("192.0.2.1"), &dnsmessage.TXTResource{TXT: []string{"a"}}).Answers}).Pack()
	if err != nil {
		f.Fatal(err)
	}
	if a, err := answerTo(query, q, whole); err != nil || len(a.data) != 2 {
		f.Fatalf("%+v, %v", a, err)
	}
	f.Add(query)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Fuzz(func(t *testing.T, msg []byte) {
		a, err := answerTo(query, q, msg)
		if err != nil && len(a.data) > 0 {
			t.Errorf("%v, and yet %q", err, a.data)
		}
		if err == nil && (len(msg) < 12 || msg[0] != 0x12 || msg[1] != 0x34) {
			t.Errorf("%x is taken for the answer", msg)
		}
	})
}
