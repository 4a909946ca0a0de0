package probesnet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
)

// smtpProbe greets a mail server (RFC 5321) and takes its leave.
type smtpProbe struct {
	cfg     probes.SMTP
	timeout time.Duration
	dialer  *net.Dialer
}

func (p *smtpProbe) look(ctx context.Context) Result {
	var how progress
	greeting, err := p.talk(how.follow(ctx))
	r := Result{OK: true, Answered: true, Detail: greeting}
	if err != nil {
		_, heard := errors.AsType[*reply](err)
		r = Result{Answered: heard, Detail: how.explain(err, p.timeout)}
	}
	r.Detail = p.cfg.Address + ": " + r.Detail
	return r
}

// talk returns what the server greets with.
func (p *smtpProbe) talk(ctx context.Context) (greeting string, err error) {
	c, err := p.dialer.DialContext(ctx, "tcp", p.cfg.Address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	s := newMailSession(c)
	if greeting, err = s.hear("the greeting"); err != nil {
		return "", err
	}
	name := p.cfg.Helo
	if name == "" {
		name = literal(c.LocalAddr())
	}
	if err = s.say("EHLO " + name); old(err) {
		err = s.say("HELO " + name)
	}
	if err == nil {
		err = s.say("QUIT")
	}
	return greeting, err
}

// literal is an address as the name of a host (RFC 5321 4.1.3).
func literal(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	host, _, _ = strings.Cut(host, "%")
	if strings.Contains(host, ":") {
		host = "IPv6:" + host
	}
	return "[" + host + "]"
}

// mailSession is one connection to a mail server.
type mailSession struct {
	conn net.Conn
	in   *textproto.Reader
	left *io.LimitedReader
}

func newMailSession(c net.Conn) *mailSession {
	left := &io.LimitedReader{R: c, N: maxText}
	return &mailSession{c, textproto.NewReader(bufio.NewReaderSize(left, 1024)), left}
}

// reply is an answer that is not good.
type reply struct {
	to   string
	code int
	text string
}

func (r *reply) Error() string {
	return fmt.Sprintf("%s is %d %s, want 2xx", r.to, r.code, firstOf(r.text))
}

// old tells that a server does not know a command.
func old(err error) bool {
	r, ok := errors.AsType[*reply](err)
	return ok && (r.code == 500 || r.code == 502)
}

// say says a line and hears the answer.
func (s *mailSession) say(line string) error {
	if _, err := io.WriteString(s.conn, line+"\r\n"); err != nil {
		return err
	}
	_, err := s.hear("the answer to " + line)
	return err
}

// hear reads an answer, which may have several lines; what is that it is one to.
func (s *mailSession) hear(what string) (string, error) {
	code, text, err := s.in.ReadResponse(0)
	switch {
	case err != nil && s.left.N == 0:
		return "", fmt.Errorf("%s has more than %d bytes", what, maxText)
	case err != nil:
		if bad, ok := errors.AsType[textproto.ProtocolError](err); ok {
			return "", fmt.Errorf("%s is not SMTP: %s", what, string(bad))
		}
		return "", err
	case code/100 != 2:
		return "", &reply{what, code, text}
	}
	return fmt.Sprintf("%d %s", code, firstOf(text)), nil
}

// firstOf is the first line of an answer, or as much of it as is repeated.
func firstOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line[:min(len(line), shownAnswer)]
}
