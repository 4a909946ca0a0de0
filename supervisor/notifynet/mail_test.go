package notifynet

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/dialer"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func mailTo(address, ca string) supervisor.Mail {
	return supervisor.Mail{Server: address, CAFile: ca, From: "pairkeeper@example.com", To: []string{"ops@example.com", "boss@example.com"}}
}

// sendMail sends one in one try.
func sendMail(t *testing.T, cfg supervisor.Mail, list ...message) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	if len(list) == 0 {
		list = []message{newMessage(toMaster)}
	}
	return newMailer(cfg).send(ctx, list)
}

func TestMailGoesOverTLS(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*smtpd)
		client func(*supervisor.Mail)
		said   string
	}{
		"starttls":      {nil, func(*supervisor.Mail) {}, "STARTTLS"},
		"implicit":      {func(d *smtpd) { d.implicit = true }, func(m *supervisor.Mail) { m.TLS = supervisor.MailImplicit }, "EHLO [127.0.0.1]"},
		"in clear":      {func(d *smtpd) { d.noTLS = true }, func(m *supervisor.Mail) { m.TLS = supervisor.MailClear }, "MAIL FROM:<pairkeeper@example.com>"},
		"plain":         {func(d *smtpd) { d.auth = "PLAIN LOGIN" }, func(m *supervisor.Mail) { m.User, m.Password = "me", []byte("s3cret") }, "login me s3cret"},
		"login":         {func(d *smtpd) { d.auth = "CRAM-MD5 LOGIN" }, func(m *supervisor.Mail) { m.User, m.Password = "me", []byte("s3cret") }, "AUTH LOGIN"},
		"nobody asks":   {func(d *smtpd) { d.auth = "PLAIN" }, func(*supervisor.Mail) {}, "RCPT TO:<boss@example.com>"},
		"implicit auth": {func(d *smtpd) { d.implicit, d.auth = true, "LOGIN" }, func(m *supervisor.Mail) { m.TLS, m.User, m.Password = supervisor.MailImplicit, "me", []byte("s3cret") }, "login me s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			d, ca := newSMTPD(t, c.server)
			cfg := mailTo(d.address(), ca)
			c.client(&cfg)
			if err := sendMail(t, cfg); err != nil {
				t.Fatal(err)
			}
			if got := d.received(); len(got) != 1 || !d.said(c.said) {
				t.Errorf("%d mails; said %q", len(got), d.talks)
			}
		})
	}
}

func TestMailThatWouldBeUnsafeIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*smtpd)
		client func(*supervisor.Mail)
		want   string
		final  bool
	}{
		"no STARTTLS":      {func(d *smtpd) { d.noTLS = true }, func(*supervisor.Mail) {}, "offers no STARTTLS", true},
		"unknown CA":       {nil, func(m *supervisor.Mail) { m.CAFile = "" }, "certificate", false},
		"wrong password":   {func(d *smtpd) { d.auth = "PLAIN" }, func(m *supervisor.Mail) { m.User, m.Password = "me", []byte("wrong") }, `535 "wrong password"`, true},
		"no way to log in": {func(d *smtpd) { d.auth = "CRAM-MD5" }, func(m *supervisor.Mail) { m.User, m.Password = "me", []byte("x") }, `neither AUTH PLAIN nor AUTH LOGIN, but "CRAM-MD5"`, true},
		"no CA file":       {nil, func(m *supervisor.Mail) { m.CAFile = "/no/such/file" }, "the CA file /no/such/file: does not exist", false},
		"all unknown":      {func(d *smtpd) { d.unknown = []string{"ops", "boss"} }, func(*supervisor.Mail) {}, `to ops@example.com: 550 "nobody of that name"`, true},
		"busy":             {func(d *smtpd) { d.answer = "451 later" }, func(*supervisor.Mail) {}, `451 "later"`, false},
		"refused":          {func(d *smtpd) { d.answer = "554 spam" }, func(*supervisor.Mail) {}, `554 "spam"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, ca := newSMTPD(t, c.server)
			cfg := mailTo(d.address(), ca)
			c.client(&cfg)
			err := sendMail(t, cfg)
			_, final := errors.AsType[refused](err)
			if err == nil || !strings.Contains(err.Error(), c.want) || final != c.final || len(d.received()) > 0 {
				t.Errorf("%v (final: %v), want %s; %d mails", err, final, c.want, len(d.received()))
			}
		})
	}
}

func TestAnUnknownRecipientKeepsTheMailFromNobodyElse(t *testing.T) {
	d, ca := newSMTPD(t, func(d *smtpd) { d.unknown = []string{"boss"} })
	err := sendMail(t, mailTo(d.address(), ca))
	if err == nil || !strings.Contains(err.Error(), "delivered to some only: to boss@example.com: 550") || len(d.received()) != 1 {
		t.Errorf("%v, %d mails", err, len(d.received()))
	}
}

func TestAMailSaysWhatAPersonNeeds(t *testing.T) {
	d, ca := newSMTPD(t, nil)
	fault := transition(vrrp.Active, vrrp.Fault, supervisor.ReasonProxyDown)
	fault.Detail = "nginx.service: exit 1 — größer\r\nBcc: thief@example.com"
	fault.Node = strings.Repeat("long-", 10) + "\r\nBcc: thief@example.com"
	if err := sendMail(t, mailTo(d.address(), ca), newMessage(toMaster), newMessage(fault)); err != nil {
		t.Fatal(err)
	}
	raw := d.received()[0]
	for _, l := range strings.Split(raw, "\r\n") {
		if len(l) > 998 || strings.ContainsAny(l, "\r\n") || strings.HasPrefix(l, "Bcc") {
			t.Errorf("line %q", l)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	h := m.Header
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "[pairkeeper] long-") || !strings.Contains(subject, "web: ACTIVE -> FAULT (proxy-down) (and 1 more)") {
		t.Errorf("subject %q, %v", subject, err)
	}
	if _, err := h.Date(); err != nil || h.Get("Message-ID") == "" || h.Get("Auto-Submitted") != "auto-generated" || h.Get("Bcc") != "" {
		t.Errorf("%v: %q", err, h)
	}
	to, err := h.AddressList("To")
	if err != nil || len(to) != 2 || to[1].Address != "boss@example.com" {
		t.Errorf("%v, %v", to, err)
	}
	if from, err := h.AddressList("From"); err != nil || from[0].Address != "pairkeeper@example.com" {
		t.Errorf("%v, %v", from, err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"When:      2025-03-01 12:00:00.123 +0000\r\n", "Node:      lb01 (peer lb02)\r\n", "Router:    web\r\n",
		"What:      BACKUP -> ACTIVE [MASTER], priority 150\r\n", "Why:       peer-silent\r\n",
		"Detail:    nginx.service: exit 1 — größer  Bcc: thief@example.com\r\n", "Remedy:    mend the proxy",
		"Address:   10.0.0.3/24\r\nAddress:   10.0.0.4/24\r\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// Whatever does not answer ends with the try.
func TestAMailServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	silent, ca := newSMTPD(t, func(d *smtpd) { d.silent = true })
	for name, change := range map[string]func(*mailer){
		"says nothing":         func(*mailer) {},
		"says nothing in TLS":  func(m *mailer) { m.cfg.TLS = supervisor.MailImplicit },
		"the name is unsolved": func(m *mailer) { m.cfg.Server, m.dialer = "mail.example.com:25", dialer.New(blackHole) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMailer(mailTo(silent.address(), ca))
			change(m)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := m.send(ctx, []message{newMessage(toMaster)}); err == nil {
				t.Error("it was sent")
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// blackHole is a name server that swallows every question.
func blackHole(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	return ours, nil
}
