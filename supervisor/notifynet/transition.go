// Package notifynet tells others of what happens on a node: it runs hooks, and sends mail
// and webhooks. Whoever calls it never waits.
package notifynet

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Transition is what is told.
type Transition struct {
	supervisor.Moved
	Node, Peer string
	Addresses  []string
	Interfaces []string
	At         time.Time
}

// subject is what a hook is told of.
type subject interface {
	name() string // for people
	key() string  // the same for what happens to the same thing
	word() string // what has become of it
	stops() bool  // it comes with the daemon's end, and its hook last
	logger(log *slog.Logger) *slog.Logger
	environment(hook string) []string
}

// name is what moved, for people.
func (t *Transition) name() string {
	if t.Router == "" {
		return "group " + t.Group
	}
	return t.Router
}

// logger is for records about it; a group has no field.
func (t *Transition) logger(log *slog.Logger) *slog.Logger {
	if t.Router == "" {
		return log
	}
	return log.With(logbook.Router, t.Router)
}

// key tells routers and groups apart.
func (t *Transition) key() string { return t.Router + "\n" + t.Group }

// stops tells of a transition that comes with the daemon's end.
func (t *Transition) stops() bool { return t.Reason == supervisor.ReasonStopping }

func (t *Transition) word() string { return KeepalivedWord(t.To) }

// KeepalivedWord is what keepalived calls a state.
func KeepalivedWord(s vrrp.State) string {
	switch s {
	case vrrp.Active:
		return "MASTER"
	case vrrp.Backup:
		return "BACKUP"
	case vrrp.Fault:
		return "FAULT"
	}
	return "STOP"
}

// arguments are those that keepalived gives a notify script after its own.
func (t *Transition) arguments() []string {
	kind, name := "INSTANCE", t.Router
	if t.Router == "" {
		kind, name = "GROUP", t.Group
	}
	return []string{kind, name, KeepalivedWord(t.To), strconv.Itoa(int(t.Priority))}
}

// environment is what a hook is told besides.
func (t *Transition) environment(hook string) []string {
	return []string{
		"PAIRKEEPER_HOOK=" + hook,
		"PAIRKEEPER_NODE=" + t.Node,
		"PAIRKEEPER_PEER=" + t.Peer,
		"PAIRKEEPER_ROUTER=" + t.Router,
		"PAIRKEEPER_GROUP=" + t.Group,
		"PAIRKEEPER_STATE=" + t.To.String(),
		"PAIRKEEPER_OLD_STATE=" + t.From.String(),
		"PAIRKEEPER_REASON=" + string(t.Reason),
		"PAIRKEEPER_PRIORITY=" + strconv.Itoa(int(t.Priority)),
		"PAIRKEEPER_ADDRESSES=" + strings.Join(t.Addresses, " "),
		"PAIRKEEPER_INTERFACE=" + strings.Join(t.Interfaces, " "),
	}
}

// String is the transition in one line.
func (t *Transition) String() string {
	return fmt.Sprintf("%s: %s -> %s (%s)", t.name(), t.From, t.To, t.Reason)
}
