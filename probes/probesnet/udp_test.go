package probesnet

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// datagrams runs a server on a loopback port, which sends each datagram that do returns.
func datagrams(t *testing.T, do func(got []byte) [][]byte) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for buf := make([]byte, 64<<10); ; {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return // closed
			}
			for _, out := range do(buf[:n]) {
				c.WriteTo(out, from)
			}
		}
	})
	t.Cleanup(func() { c.Close(); serving.Wait() })
	return c.LocalAddr().String()
}

// closedUDP is a port where nobody listens.
func closedUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return c.LocalAddr().String()
}

func echoed(got []byte) [][]byte { return [][]byte{got} }

func silence([]byte) [][]byte { return nil }

func TestUDPLooksAtAnswers(t *testing.T) {
	echo, deaf, shut := datagrams(t, echoed), datagrams(t, silence), closedUDP(t)
	binary := datagrams(t, func([]byte) [][]byte { return [][]byte{{0xff, 0x01, 0xd5, 'e', 'n', 'd'}} })
	for _, tt := range []struct {
		name     string
		check    probes.UDP
		ok, came bool
		detail   string
	}{
		{"any answer", probes.UDP{Address: echo, Send: "ping", Answer: true}, true, true, ": answered 4 bytes"},
		{"to nothing", probes.UDP{Address: echo, Answer: true}, true, true, ": answered 0 bytes"},
		{"an answer that nobody waits for", probes.UDP{Address: echo, Send: "ping"}, true, true, ": answered 4 bytes"},
		{"the answer wanted", probes.UDP{Address: echo, Send: "ping", Answer: true, Expect: probes.Text{Contains: "in"}}, true, true, ": answered as wanted"},
		{"another answer", probes.UDP{Address: echo, Send: "ping", Answer: true, Expect: probes.Text{Contains: "pong"}}, false, true, `: the answer does not contain "pong": "ping"`},
		{"bytes", probes.UDP{Address: binary, Answer: true, Begin: "ff01xx"}, true, true, ": answered as wanted"},
		{"half a byte", probes.UDP{Address: binary, Answer: true, Begin: "ff01dx"}, true, true, ": answered as wanted"},
		{"other bytes", probes.UDP{Address: binary, Answer: true, Begin: "ff02"}, false, true, `: the answer does not begin with ff02: "\xff\x01\xd5end"`},
		{"too few bytes", probes.UDP{Address: binary, Answer: true, Begin: "ff01d5656e64xx"}, false, true, `: the answer does not begin with ff01d5656e64xx: "\xff\x01\xd5end"`},
		{"bytes and a text", probes.UDP{Address: binary, Answer: true, Begin: "ff", Expect: probes.Text{Contains: "END"}}, false, true, `: the answer does not contain "END": "\xff\x01\xd5end"`},
		{"no answer", probes.UDP{Address: deaf, Send: "ping", Answer: true}, false, false, ": no answer within 300ms"},
		{"no answer, and none is needed", probes.UDP{Address: deaf}, true, false, ": not refused within 300ms"},
		{"a port that is closed", probes.UDP{Address: shut, Send: "ping", Answer: true}, false, false, ": connection refused"},
		{"a port that is closed, and no answer is needed", probes.UDP{Address: shut}, false, false, ": connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := 30 * time.Second
			if strings.HasSuffix(tt.detail, "300ms") {
				timeout = 300 * time.Millisecond
			}
			r := lookOnce(t, tt.check, timeout)
			if want := tt.check.Address + tt.detail; r.OK != tt.ok || r.Answered != tt.came || r.Detail != want {
				t.Fatalf("%+v, want %v %v %q", r, tt.ok, tt.came, want)
			}
			if refused := strings.HasSuffix(tt.detail, "refused"); r.Refused != refused && !tt.ok {
				t.Errorf("refused: %v", r.Refused)
			}
		})
	}
}

func TestUDPTimeoutCoversTheName(t *testing.T) {
	r := lookWith(t, deafDNS(t), probes.UDP{Address: "backend.test:53"}, 200*time.Millisecond)
	if want := "backend.test:53: no answer within 200ms: the name backend.test is not resolved"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q: silence is good only after the datagram was sent", r, want)
	}
}

func TestAPatternIsWholeBytes(t *testing.T) {
	for s, want := range map[string]string{"f": `"f" has half a byte at its end`, "fg": `"fg" is not two hexadecimal digits`, "+1": `"+1" is not two hexadecimal digits`} {
		if _, err := newPattern(s); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}
