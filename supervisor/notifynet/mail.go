package notifynet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/dialer"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// mailer sends mail, on a connection of its own each time.
type mailer struct {
	cfg    supervisor.Mail
	host   string
	dialer *net.Dialer
}

func newMailer(c supervisor.Mail) *mailer {
	host, _, _ := net.SplitHostPort(c.Server) // looked at when the file was read
	return &mailer{cfg: c, host: host, dialer: dialer.New(nil)}
}

// atOnce: routers move together, and one mail is enough for that.
func (*mailer) atOnce() int { return 50 }

func (m *mailer) send(ctx context.Context, list []message) error {
	c, err := m.connect(ctx)
	if err != nil {
		return m.explain(err)
	}
	defer func() { _ = c.Close() }()
	if err := m.speak(c, list); err != nil {
		return m.explain(err)
	}
	_ = c.Quit() // it is delivered
	return nil
}

// explain names the server; what it refuses for good is not tried again (RFC 5321 4.2.1).
func (m *mailer) explain(err error) error {
	e, answered := errors.AsType[*textproto.Error](err)
	err = fmt.Errorf("%s: %w", m.cfg.Server, err)
	if _, final := errors.AsType[refused](err); final || answered && e.Code >= 500 {
		return refused{err}
	}
	return err
}

// connect greets the server; the connection ends with the context.
func (m *mailer) connect(ctx context.Context) (*smtp.Client, error) {
	roots, err := authorities(m.cfg.CAFile)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{ServerName: m.host, RootCAs: roots}
	conn, err := m.dialer.DialContext(ctx, "tcp", m.cfg.Server)
	if err != nil {
		return nil, err
	}
	end := conn.SetDeadline
	context.AfterFunc(ctx, func() { _ = end(time.Unix(1, 0)) })
	if m.cfg.TLS == supervisor.MailImplicit {
		conn = tls.Client(conn, conf)
	}
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	if err := m.secure(c, conf, literal(conn.LocalAddr())); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

var errNoSTARTTLS = errors.New("offers no STARTTLS: write tls: implicit for port 465, or tls: none if the mail may go in clear")

// literal is an address as a client that has no other name greets with (RFC 5321 4.1.3).
func literal(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost"
	case t.IP.To4() == nil:
		return "[IPv6:" + t.IP.String() + "]"
	}
	return "[" + t.IP.String() + "]"
}

func (m *mailer) secure(c *smtp.Client, conf *tls.Config, name string) error {
	if err := c.Hello(name); err != nil {
		return err
	}
	if m.cfg.TLS == supervisor.MailSTARTTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return refused{errNoSTARTTLS}
		}
		if err := c.StartTLS(conf); err != nil {
			return err
		}
	}
	if m.cfg.User == "" {
		return nil
	}
	_, ways := c.Extension("AUTH")
	for way := range strings.FieldsSeq(ways) {
		switch strings.ToUpper(way) {
		case "PLAIN":
			return c.Auth(smtp.PlainAuth("", m.cfg.User, string(m.cfg.Password), m.host))
		case "LOGIN":
			return c.Auth(&login{user: m.cfg.User, password: string(m.cfg.Password)})
		}
	}
	return refused{fmt.Errorf("offers neither AUTH PLAIN nor AUTH LOGIN, but %q", ways)}
}

// speak hands over one mail.
func (m *mailer) speak(c *smtp.Client, list []message) error {
	if err := c.Mail(m.cfg.From); err != nil {
		return fmt.Errorf("from %s: %w", m.cfg.From, err)
	}
	var some bool
	var problem error
	for _, to := range m.cfg.To { // one that is not known keeps it from nobody else
		if err := c.Rcpt(to); err != nil {
			problem = errors.Join(problem, fmt.Errorf("to %s: %w", to, err))
			continue
		}
		some = true
	}
	if !some {
		return problem
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := bytes.NewReader(compose(m.cfg, list, time.Now())).WriteTo(w); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if problem != nil {
		return refused{fmt.Errorf("delivered to some only: %w", problem)}
	}
	return nil
}

// login is AUTH LOGIN, which some servers have instead of PLAIN; never in clear.
type login struct {
	user, password string
	asked          int
}

// Start begins.
func (l *login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("the password would go in clear: write tls: starttls or implicit")
	}
	return "LOGIN", nil, nil
}

// Next answers what the server asks: the user, then the password.
func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, errors.New("AUTH LOGIN asks for more than a user and a password")
}
