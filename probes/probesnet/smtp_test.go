package probesnet

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// mailServer greets, answers each line as said, and tells all lines of each connection.
func mailServer(t *testing.T, greeting string, answer func(line string) string) (address string, heard chan []string) {
	t.Helper()
	heard = make(chan []string, 10)
	return speak(t, func(c net.Conn) {
		var lines []string
		defer func() { heard <- lines }()
		io.WriteString(c, greeting)
		for in := bufio.NewScanner(c); in.Scan(); {
			lines = append(lines, in.Text())
			if _, err := io.WriteString(c, answer(in.Text())); err != nil {
				return
			}
			if in.Text() == "QUIT" {
				return
			}
		}
	}), heard
}

// postal answers as mail servers do.
func postal(line string) string {
	switch word, _, _ := strings.Cut(line, " "); word {
	case "EHLO":
		return "250-mail.example.com\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n"
	case "HELO":
		return "250 mail.example.com\r\n"
	case "QUIT":
		return "221 2.0.0 Bye\r\n"
	}
	return "502 5.5.2 Error: command not recognized\r\n"
}

func TestSMTPGreetsAndTakesItsLeave(t *testing.T) {
	at, heard := mailServer(t, "220-mail.example.com ESMTP\r\n220 be welcome\r\n", postal)
	r := lookOnce(t, probes.SMTP{Address: at}, 30*time.Second)
	if want := at + ": 220 mail.example.com ESMTP"; !r.OK || !r.Answered || r.Detail != want {
		t.Fatalf("%+v, want %q", r, want)
	}
	if got := strings.Join(<-heard, "|"); got != "EHLO [127.0.0.1]|QUIT" {
		t.Errorf("it said %q", got)
	}
	lookOnce(t, probes.SMTP{Address: at, Helo: "lb01.example.com"}, 30*time.Second)
	if got := strings.Join(<-heard, "|"); got != "EHLO lb01.example.com|QUIT" {
		t.Errorf("it said %q", got)
	}
}

func TestSMTPSpeaksToAnOldServer(t *testing.T) {
	at, heard := mailServer(t, "220 old\r\n", func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return "500 what?\r\n"
		}
		return postal(line)
	})
	if r := lookOnce(t, probes.SMTP{Address: at, Helo: "a"}, 30*time.Second); !r.OK {
		t.Fatalf("%+v", r)
	}
	if got := strings.Join(<-heard, "|"); got != "EHLO a|HELO a|QUIT" {
		t.Errorf("it said %q", got)
	}
}

func TestSMTPNoticesAServerThatDoesNotServe(t *testing.T) {
	answer := func(to, with string) func(string) string {
		return func(line string) string {
			if strings.HasPrefix(line, to) {
				return with
			}
			return postal(line)
		}
	}
	for _, tt := range []struct {
		name, greeting string
		answer         func(string) string
		came           bool
		detail         string
	}{
		{"busy", "421 4.3.2 too many\r\n", postal, true, "the greeting is 421 4.3.2 too many, want 2xx"},
		{"refuses the name", "220 ok\r\n", answer("EHLO", "550-5.7.1 no\r\n550 go away\r\n"), true, "the answer to EHLO a is 550 5.7.1 no, want 2xx"},
		{"does not let go", "220 ok\r\n", answer("QUIT", "421 4.4.2 stay\r\n"), true, "the answer to QUIT is 421 4.4.2 stay, want 2xx"},
		{"garbage", "\x00\xff\x17 hello\r\n", postal, false, `the greeting is not SMTP: invalid response code: "\x00\xff\x17 hello"`},
		{"another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", postal, false, `the greeting is not SMTP: short response: "HTTP/1.1 400 Bad Request"`},
		{"half a greeting", "220 mail.exa", nil, false, "the connection was closed before the answer was complete"},
		{"half an answer", "220 ok\r\n", answer("EHLO", "250-mail.example.com\r\n250-SI"), false, "no answer within 300ms"},
		{"never greets", "", postal, false, "no answer within 300ms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var at string
			if tt.answer == nil {
				at = speak(t, func(c net.Conn) { io.WriteString(c, tt.greeting) })
			} else {
				at, _ = mailServer(t, tt.greeting, tt.answer)
			}
			timeout := 30 * time.Second
			if strings.Contains(tt.detail, "within") {
				timeout = 300 * time.Millisecond
			}
			r := lookOnce(t, probes.SMTP{Address: at, Helo: "a"}, timeout)
			got := strings.TrimPrefix(r.Detail, at+": ")
			if r.OK || r.Answered != tt.came || got != tt.detail {
				t.Fatalf("%+v, want %q", r, tt.detail)
			}
		})
	}
}

func TestSMTPGivesUpOnADripAndOnAFlood(t *testing.T) {
	drip := speak(t, func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "220-still starting\r\n"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if r := lookOnce(t, probes.SMTP{Address: drip}, 300*time.Millisecond); r.OK || r.Detail != drip+": no answer within 300ms" {
		t.Errorf("a drip: %+v", r)
	}
	flood := speak(t, func(c net.Conn) {
		for chunk := strings.Repeat("220-more\r\n", 1000); ; {
			if _, err := io.WriteString(c, chunk); err != nil {
				return
			}
		}
	})
	if r := lookOnce(t, probes.SMTP{Address: flood}, 30*time.Second); r.OK || r.Detail != flood+": the greeting has more than 65536 bytes" {
		t.Errorf("a flood: %+v", r)
	}
}

func TestAnAddressIsANameForAMailServer(t *testing.T) {
	for address, want := range map[string]string{"10.0.0.5:40000": "[10.0.0.5]", "[fd00::5]:40000": "[IPv6:fd00::5]", "[fe80::5%eth0]:1": "[IPv6:fe80::5]"} {
		if got := literal(addrOf(address)); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
