package probesnet

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

func TestTCPConnects(t *testing.T) {
	at := speak(t, func(net.Conn) {})
	if r := lookOnce(t, probes.TCP{Address: at}, 10*time.Second); !r.OK || r.Detail != at+": connected" {
		t.Fatalf("%+v", r)
	}
	if r := lookOnce(t, probes.TCP{Address: "localhost:" + port(addrOf(at))}, 10*time.Second); !r.OK {
		t.Fatalf("by name: %+v", r)
	}
}

// addrOf is an address as text.
type addrOf string

func (addrOf) Network() string  { return "tcp" }
func (a addrOf) String() string { return string(a) }

func TestTCPNoticesThatNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	at := l.Addr().String()
	if r := lookOnce(t, probes.TCP{Address: at}, 10*time.Second); r.OK || r.Answered || r.Detail != at+": connection refused" {
		t.Fatalf("%+v", r)
	}
}

func TestTCPSendsAndExpects(t *testing.T) {
	echo := speak(t, func(c net.Conn) { io.Copy(c, c) })
	greet := speak(t, func(c net.Conn) { io.WriteString(c, "220 mail"); io.WriteString(c, ".example.com ESMTP\r\n"); hear(c) })
	brief := speak(t, func(c net.Conn) { io.WriteString(c, "554 no\r\n") })
	silent := speak(t, func(net.Conn) {})
	drip := speak(t, func(c net.Conn) {
		for range 100 {
			if _, err := io.WriteString(c, "."); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	flood := speak(t, func(c net.Conn) {
		for chunk := strings.Repeat("x", 64<<10); ; {
			if _, err := io.WriteString(c, chunk); err != nil {
				return
			}
		}
	})
	for _, tt := range []struct {
		name   string
		check  probes.TCP
		ok     bool
		detail string
	}{
		{"an echo", probes.TCP{Address: echo, Send: "PING\r\n", Expect: probes.Text{Contains: "PING\r\n"}}, true, ": answered as wanted"},
		{"a greeting in two parts", probes.TCP{Address: greet, Expect: probes.Text{Regexp: `^220 .*ESMTP`}}, true, ": answered as wanted"},
		{"another greeting", probes.TCP{Address: brief, Expect: probes.Text{Contains: "220 "}}, false, `: the answer does not contain "220 ": "554 no\r\n"`},
		{"no greeting", probes.TCP{Address: silent, Expect: probes.Text{Contains: "220 "}}, false, ": the connection was closed before the answer was complete"},
		{"a greeting that takes for ever", probes.TCP{Address: drip, Expect: probes.Text{Contains: "220 "}}, false, ": no answer within 300ms"},
		{"a greeting without end", probes.TCP{Address: flood, Expect: probes.Text{Contains: "220 "}}, false, `: the answer does not contain "220 ": "` + strings.Repeat("x", 100) + `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			timeout := 30 * time.Second
			if strings.Contains(tt.detail, "within") {
				timeout = 300 * time.Millisecond
			}
			r := lookOnce(t, tt.check, timeout)
			if want := tt.check.Address + tt.detail; r.OK != tt.ok || r.Detail != want {
				t.Fatalf("%+v, want %q", r, want)
			}
		})
	}
}

func TestTCPTimeoutCoversTheName(t *testing.T) {
	r := lookWith(t, deafDNS(t), probes.TCP{Address: "backend.test:80"}, 200*time.Millisecond)
	if want := "backend.test:80: no answer within 200ms: the name backend.test is not resolved"; r.OK || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
}
