package config

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

const (
	receiverExample = "- webhook: https://example.com/hook"
	mailExample     = `{server: "mail.example.com:587", from: pairkeeper@example.com, to: [ops@example.com]}`
	hookURLExample  = "a URL such as https://example.com/hook"
	receiversMost   = 32
)

// receiver is somebody who is told of transitions.
type receiver struct {
	shared                   supervisor.Receiver
	password, token, signing *secret // nil: none
	line                     int
	path                     string
}

// withSecrets is the receiver for use.
func (r receiver) withSecrets() supervisor.Receiver {
	c := r.shared
	if c.Mail != nil && r.password != nil {
		m := *c.Mail
		m.Password, c.Mail = r.password.key, &m
	}
	if c.Webhook != nil {
		w := *c.Webhook
		if r.token != nil {
			w.Token = r.token.key
		}
		if r.signing != nil {
			w.Secret = r.signing.key
		}
		c.Webhook = &w
	}
	return c
}

// stateWords are the words of on:.
var stateWords = []string{"active", "backup", "fault", "stop"}

func stateOf(word string) vrrp.State {
	return []vrrp.State{vrrp.Active, vrrp.Backup, vrrp.Fault, vrrp.Initialize}[slices.Index(stateWords, word)]
}

// readReceivers reads notify:.
func (d *Document) readReceivers(v value) {
	items, ok := v.list("a list such as " + receiverExample)
	if !ok || !v.atMost(len(items), receiversMost) {
		return
	}
	for _, item := range items {
		r, ok := readReceiver(item)
		if !ok {
			continue
		}
		if slices.ContainsFunc(d.receivers, func(o receiver) bool { return o.shared.Name == r.shared.Name }) {
			item.errorf("is called %s as another one is: give it a name of its own", show(r.shared.Name))
			continue
		}
		d.receivers = append(d.receivers, r)
	}
}

func readReceiver(v value) (receiver, bool) {
	r := receiver{line: v.at(), path: v.path}
	f, ok := v.fields(receiverExample, "name", "mail", "webhook", "on", "timeout")
	if !ok {
		return r, false
	}
	r.shared.Timeout = 10 * time.Second
	switch m, w := f.has("mail"), f.has("webhook"); {
	case m && w:
		f.errorf("has both mail: and webhook:, make two of it")
		return r, false
	case m:
		r.shared.Name = "mail"
		r.readMail(f.keys["mail"])
	case w:
		r.shared.Name = "webhook"
		r.readWebhook(f.keys["webhook"])
	default:
		f.errorf("needs mail or webhook, such as webhook: https://example.com/hook")
		return r, false
	}
	if f.text("name", &r.shared.Name, "a name such as ops") && !printable(r.shared.Name) {
		f.keys["name"].errorf("%s: only visible ASCII is allowed, %d bytes at the most", show(r.shared.Name), maxName)
	}
	f.duration("timeout", &r.shared.Timeout, 100*time.Millisecond, time.Minute)
	r.shared.On = []vrrp.State{vrrp.Active, vrrp.Fault}
	if on, ok := f.keys["on"]; ok {
		r.readOn(on)
	}
	return r, true
}

// readOn reads of which states a receiver is told.
func (r *receiver) readOn(v value) {
	items, ok := v.list("a list such as [active, fault]")
	if !ok {
		return
	}
	if len(items) == 0 {
		v.errorf("is empty, it would never be told anything: write a list such as [active, fault]")
	}
	r.shared.On = nil
	for _, item := range items {
		word, ok := item.one(stateWords...)
		switch {
		case !ok:
		case slices.Contains(r.shared.On, stateOf(word)):
			item.errorf("%s is given twice: remove one", word)
		default:
			r.shared.On = append(r.shared.On, stateOf(word))
		}
	}
}

var mailTLS = []string{supervisor.MailSTARTTLS: "starttls", supervisor.MailImplicit: "implicit", supervisor.MailClear: "none"}

// readMail reads mail:.
func (r *receiver) readMail(v value) {
	m := &supervisor.Mail{}
	r.shared.Mail = m
	f, ok := v.fields(mailExample, "server", "tls", "ca_file", "user", "password_file", "password_credential", "from", "to")
	if !ok {
		return
	}
	if s, ok := f.need("server", `"mail.example.com:587"`); ok {
		s.hostPort(&m.Server, `a server and a port such as "mail.example.com:587"`)
	}
	if strings.HasSuffix(m.Server, ":465") {
		m.TLS = supervisor.MailImplicit
	}
	if t, ok := f.keys["tls"]; ok {
		if word, ok := t.one(mailTLS...); ok {
			m.TLS = supervisor.MailTLS(slices.Index(mailTLS, word))
		}
	}
	readCAFile(f, &m.CAFile, m.TLS == supervisor.MailClear, "tls: none")
	r.readLogin(f, m)
	if a, ok := f.need("from", "pairkeeper@example.com"); ok {
		m.From, _ = a.mailAddress()
	}
	if to, ok := f.need("to", "[ops@example.com]"); ok {
		m.To = to.mailAddresses()
	}
}

// readLogin reads whom the server knows us as.
func (r *receiver) readLogin(f fields, m *supervisor.Mail) {
	known := f.text("user", &m.User, "a user of the mail server")
	if known && strings.ContainsFunc(m.User, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		f.keys["user"].errorf("%s has a control character", show(m.User))
	}
	given := f.has("password_file") || f.has("password_credential")
	switch {
	case known && m.TLS == supervisor.MailClear:
		f.keys["user"].errorf("cannot be with tls: none, the password would go in clear: write tls: starttls or implicit")
	case known:
		r.password = readPlainSecret(f, "password", "with user:")
	case given:
		f.errorf("has a password, but no user:")
	}
}

// readPlainSecret reads where a secret lies that is sent as it is.
func readPlainSecret(f fields, name, with string) *secret {
	s, ok := readSecret(f, "", name+"_file", name+"_credential", with)
	if !ok {
		return nil
	}
	s.plain = true
	return &s
}

func readCAFile(f fields, into *string, clear bool, with string) {
	if !f.text("ca_file", into, "a file such as /etc/ssl/ca.pem") {
		return
	}
	f.keys["ca_file"].absolute(*into, "/etc/ssl/ca.pem")
	if clear {
		f.keys["ca_file"].errorf("has no effect with %s: remove it", with)
	}
}

// mailAddress is one address without a name, as a server takes it.
func (v value) mailAddress() (string, bool) {
	const example = "an address such as ops@example.com"
	s, ok := v.text(example)
	if !ok {
		return "", false
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s || !printable(s) {
		v.errorf("%s is not %s", show(s), example)
		return "", false
	}
	return s, true
}

func (v value) mailAddresses() (list []string) {
	items, ok := v.list("a list such as [ops@example.com]")
	if !ok {
		return nil
	}
	if len(items) == 0 {
		v.errorf("is empty: write a list such as [ops@example.com]")
	}
	for _, item := range items {
		if a, ok := item.mailAddress(); ok {
			list = append(list, a)
		}
	}
	return list
}

// readWebhook reads webhook:, a URL or a mapping.
func (r *receiver) readWebhook(v value) {
	w := &supervisor.Webhook{}
	r.shared.Webhook = w
	at, f := v, fields{}
	if v.kind() == "a mapping" {
		var ok bool
		if f, ok = v.fields("{url: https://example.com/hook}", "url", "token_file", "token_credential", "secret_file", "secret_credential", "headers", "ca_file"); !ok {
			return
		}
		if at, ok = f.need("url", "https://example.com/hook"); !ok {
			return
		}
	}
	s, ok := at.text(hookURLExample)
	if !ok {
		return
	}
	var u *url.URL
	if u = at.checkURL(s, hookURLExample); u == nil {
		return
	}
	w.URL = s
	clear := u.Scheme == "http"
	readCAFile(f, &w.CAFile, clear, "a URL of http://")
	if f.has("token_file") || f.has("token_credential") {
		r.token = readPlainSecret(f, "token", "")
		if clear {
			at.errorf("of http:// would send the token in clear: write https://")
		}
	}
	if f.has("secret_file") || f.has("secret_credential") {
		r.signing = readPlainSecret(f, "secret", "")
	}
	readHeaders(f, &w.Headers, "write token_file")
}

func receiverTree(r receiver) *yaml.Node {
	t := block()
	t.set("name", text(r.shared.Name))
	if m := r.shared.Mail; m != nil {
		t.set("mail", mailTree(m, r.password))
	}
	if w := r.shared.Webhook; w != nil {
		t.set("webhook", webhookTree(w, r))
	}
	on := flowList()
	for _, s := range r.shared.On {
		i := slices.IndexFunc(stateWords, func(w string) bool { return stateOf(w) == s })
		on.Content = append(on.Content, text(stateWords[i]))
	}
	t.set("on", on)
	t.set("timeout", duration(r.shared.Timeout))
	return t.Node
}

func mailTree(m *supervisor.Mail, password *secret) *yaml.Node {
	t := block()
	t.set("server", quote(m.Server))
	t.set("tls", text(mailTLS[m.TLS]))
	if m.CAFile != "" {
		t.set("ca_file", quote(m.CAFile))
	}
	if password != nil {
		t.set("user", quote(m.User))
		t.set(secretTree(*password, "", "password_file", "password_credential"))
	}
	t.set("from", text(m.From))
	t.set("to", words(m.To))
	return t.Node
}

func webhookTree(w *supervisor.Webhook, r receiver) *yaml.Node {
	t := block()
	t.set("url", text(w.URL))
	if r.token != nil {
		t.set(secretTree(*r.token, "", "token_file", "token_credential"))
	}
	if r.signing != nil {
		t.set(secretTree(*r.signing, "", "secret_file", "secret_credential"))
	}
	headersTree(t, w.Headers)
	if w.CAFile != "" {
		t.set("ca_file", quote(w.CAFile))
	}
	return t.Node
}
