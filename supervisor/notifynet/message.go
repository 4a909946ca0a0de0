package notifynet

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/words"
)

// message is a transition on its way to receivers.
type message struct {
	Transition
	id string // the same at every try
}

func newMessage(t Transition) message {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return message{Transition: t, id: hex.EncodeToString(id[:])}
}

// Subject is the message in a few words.
func (m *message) Subject() string {
	return words.Visible(fmt.Sprintf("%s %s: %s -> %s (%s)", m.Node, m.Router, m.From, m.To, m.Reason))
}

// body is the JSON of a webhook.
type body struct {
	Schema    int       `json:"schema"`
	ID        string    `json:"id"`
	Time      time.Time `json:"time"`
	Node      string    `json:"node"`
	Peer      string    `json:"peer"`
	Router    string    `json:"router"`
	Group     string    `json:"group,omitempty"`
	State     string    `json:"state"`
	OldState  string    `json:"old_state"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail"`
	Remedy    string    `json:"remedy"`
	Priority  int       `json:"priority"`
	Addresses []string  `json:"addresses"`
}

func (m *message) json() ([]byte, error) {
	return json.Marshal(body{
		Schema: 1, ID: m.id, Time: m.At, Node: m.Node, Peer: m.Peer, Router: m.Router, Group: m.Group,
		State: m.To.String(), OldState: m.From.String(), Reason: string(m.Reason), Detail: m.Detail, Remedy: remedyOf(m.Reason),
		Priority: int(m.Priority), Addresses: append([]string{}, m.Addresses...),
	})
}

// text is the message as a person reads it.
func (m *message) text() string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-11s%s\n", key+":", words.Visible(value))
		}
	}
	line("When", m.At.Format("2006-01-02 15:04:05.000 -0700"))
	line("Node", m.Node+" (peer "+m.Peer+")")
	line("Router", m.Router)
	line("What", fmt.Sprintf("%s -> %s [%s], priority %d", m.From, m.To, KeepalivedWord(m.To), m.Priority))
	line("Why", string(m.Reason))
	line("Detail", m.Detail)
	line("Remedy", remedyOf(m.Reason))
	for _, a := range m.Addresses {
		line("Address", a)
	}
	return b.String()
}
