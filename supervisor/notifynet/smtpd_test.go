package notifynet

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// smtpd is a mail server on the loopback.
type smtpd struct {
	t        *testing.T
	ln       net.Listener
	conf     *tls.Config
	implicit bool
	auth     string   // what EHLO offers under TLS, such as "PLAIN LOGIN"; empty: nothing
	noTLS    bool     // offers no STARTTLS
	unknown  []string // recipients that are refused
	answer   string   // to the end of DATA, instead of 250

	mu     sync.Mutex
	talks  []string // what was said, but the mail itself
	mails  []string
	silent bool // accepts, and says nothing
}

func newSMTPD(t *testing.T, change func(*smtpd)) (d *smtpd, ca string) {
	t.Helper()
	cert, ca := certified(t)
	d = &smtpd{t: t, conf: &tls.Config{Certificates: []tls.Certificate{cert}}}
	if change != nil {
		change(d)
	}
	var err error
	if d.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.ln.Close() })
	go d.serve()
	return d, ca
}

func (d *smtpd) address() string { return d.ln.Addr().String() }

func (d *smtpd) serve() {
	for {
		c, err := d.ln.Accept()
		if err != nil {
			return
		}
		d.t.Cleanup(func() { _ = c.Close() })
		if !d.silent {
			go d.talk(c)
		}
	}
}

func (d *smtpd) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.talks = append(d.talks, line)
}

func (d *smtpd) said(part string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.talks, func(l string) bool { return strings.Contains(l, part) })
}

// received are the mails so far.
func (d *smtpd) received() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.mails)
}

func (d *smtpd) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	secure := d.implicit
	if secure {
		c = tls.Server(c, d.conf)
	}
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }
	ask := func(text string) string {
		say("334 %s", base64.StdEncoding.EncodeToString([]byte(text)))
		line, _ := r.ReadString('\n')
		plain, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		return string(plain)
	}
	say("220 test ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		d.note(line)
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-test")
			if secure && d.auth != "" {
				say("250-AUTH %s", d.auth)
			}
			if !secure && !d.noTLS {
				say("250-STARTTLS")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c, secure = tls.Server(c, d.conf), true
			r = bufio.NewReader(c)
		case "AUTH":
			way, initial, _ := strings.Cut(rest, " ")
			given := ""
			if way == "PLAIN" {
				plain, _ := base64.StdEncoding.DecodeString(initial)
				given = strings.ReplaceAll(strings.TrimPrefix(string(plain), "\x00"), "\x00", " ")
			} else {
				given = ask("Username:") + " " + ask("Password:")
			}
			if d.note("login " + given); given != "me s3cret" {
				say("535 wrong password")
				continue
			}
			say("235 welcome")
		case "RCPT":
			if slices.ContainsFunc(d.unknown, func(u string) bool { return strings.Contains(rest, u) }) {
				say("550 nobody of that name")
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			var mail strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil || l == ".\r\n" {
					break
				}
				mail.WriteString(l)
			}
			if d.answer != "" {
				say("%s", d.answer)
				continue
			}
			d.mu.Lock()
			d.mails = append(d.mails, mail.String())
			d.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
