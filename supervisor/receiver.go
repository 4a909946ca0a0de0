package supervisor

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Receiver is told of transitions: by mail or by a webhook.
type Receiver struct {
	Name    string
	On      []vrrp.State  // which states it is told of; Initialize: the stop
	Timeout time.Duration // of one try
	Mail    *Mail         // or
	Webhook *Webhook
}

// Wants tells whether a receiver is told of a state.
func (r *Receiver) Wants(s vrrp.State) bool { return slices.Contains(r.On, s) }

// Mail is a receiver's mail, and the server that takes it.
type Mail struct {
	Server   string // host:port
	TLS      MailTLS
	CAFile   string // empty: the system's authorities
	User     string // empty: no authentication
	Password []byte
	From     string
	To       []string
}

// MailTLS is how a mail server is spoken to.
type MailTLS uint8

// The ways, the safest first.
const (
	MailSTARTTLS MailTLS = iota // in clear until the server has offered STARTTLS, which it must
	MailImplicit                // from the first byte (RFC 8314)
	MailClear                   // never: for a server on this host
)

// Webhook is a receiver's URL.
type Webhook struct {
	URL     string
	Token   []byte          // sent as a bearer token; empty: none
	Secret  []byte          // signs the body; empty: none
	Headers []probes.Header // besides
	CAFile  string          // empty: the system's authorities
}
