package daemon

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The fields of a record, as journald names them.
const (
	fieldPrefix    = "PAIRKEEPER_"
	fieldMessageID = "MESSAGE_ID"

	fieldNode     = "PAIRKEEPER_NODE"
	fieldRouter   = "PAIRKEEPER_ROUTER"
	fieldState    = "PAIRKEEPER_STATE"
	fieldOldState = "PAIRKEEPER_OLD_STATE"
	fieldReason   = "PAIRKEEPER_REASON"
	fieldPriority = "PAIRKEEPER_PRIORITY"
	fieldPeer     = "PAIRKEEPER_PEER"
)

// limitEvery is how often a record that repeats itself is written again.
const limitEvery = time.Minute

// journal turns what happens into records. Only the loop's thread uses it; the records
// are written elsewhere, so that a full disk or a stopped journald delays nothing.
type journal struct {
	log  *slog.Logger
	last map[string]limited // by what repeats
}

// limited is a record that repeats itself.
type limited struct {
	at     time.Time
	missed int
}

func newJournal(log *slog.Logger) *journal {
	return &journal{log: log, last: map[string]limited{}}
}

// transition writes one line with what, why and who else.
func (j *journal) transition(r supervisor.Router, node *supervisor.Node, e vrrp.Enter) {
	view := node.Router(r.Name)
	text := fmt.Sprintf("%s: %s -> %s (%s) [%s]", r.Name, e.From, e.To, e.Reason, keepalivedWord(e.To))
	if e.Peer.IsValid() {
		text += ", peer " + e.Peer.String()
	}
	if e.To == vrrp.Fault && view.Detail != "" {
		text += ": " + view.Detail
	}
	own := r.Name + ": "
	maps.DeleteFunc(j.last, func(key string, _ limited) bool { return strings.HasPrefix(key, own) })
	level := slog.LevelInfo
	if e.To == vrrp.Fault {
		level = slog.LevelError
	}
	args := []any{fieldRouter, r.Name, fieldState, e.To.String(), fieldOldState, e.From.String(),
		fieldReason, string(e.Reason), fieldPriority, int(view.Priority)}
	if e.Peer.IsValid() {
		args = append(args, fieldPeer, e.Peer.String())
	}
	j.log.Log(nil, level, text, args...) //nolint:staticcheck // no context: nothing here is cancelled
}

// keepalivedWord is what a user of keepalived calls a state.
func keepalivedWord(s vrrp.State) string {
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

// quiet reasons are news, not trouble.
var quiet = map[vrrp.Reason]bool{
	supervisor.ReasonProxyRecovered:  true,
	supervisor.ReasonProxyRestarting: true,
	supervisor.ReasonProxyReturns:    true,
	vrrp.ReasonIntervalAdopted:       true,
}

// note writes what a decider noted. What a router notes may come with every advert: the
// same is written once a minute, or again after a transition. What is about the node is
// news each time.
func (j *journal) note(n supervisor.Note) {
	level := slog.LevelWarn
	if quiet[n.Reason] {
		level = slog.LevelInfo
	}
	text := fmt.Sprintf("%s (%s)", n.Detail, n.Reason)
	if remedy := n.Reason.Remedy(); remedy != "" {
		text += ": " + remedy
	}
	args := []any{fieldReason, string(n.Reason)}
	if n.Router != "" {
		text = n.Router + ": " + text
		args = append(args, fieldRouter, n.Router)
		j.write(level, text, text, args)
		return
	}
	j.log.Log(nil, level, text, args...) //nolint:staticcheck // as above
}

// warn writes a warning of the shell's own.
func (j *journal) warn(reason, text string) { j.limited(text, reason, text) }

// limited writes a warning, once a minute for a key.
func (j *journal) limited(key, reason, text string) {
	j.write(slog.LevelWarn, key, text, []any{fieldReason, reason})
}

// maxKeys bounds the different records within limitEvery that may repeat: more come only
// from somebody who invents their sources.
const maxKeys = 256

func (j *journal) write(level slog.Level, key, text string, args []any) {
	t := now()
	if l, known := j.last[key]; known && t.Sub(l.at) < limitEvery {
		l.missed++
		j.last[key] = l
		return
	}
	if missed := j.last[key].missed; missed > 0 {
		text += fmt.Sprintf(" (and %d times more since)", missed)
	}
	if !j.room(t) {
		return
	}
	j.last[key] = limited{at: t}
	j.log.Log(nil, level, text, args...) //nolint:staticcheck // as above
}

// room forgets old records where there are too many; false: all are new.
func (j *journal) room(t time.Time) bool {
	if len(j.last) < maxKeys {
		return true
	}
	maps.DeleteFunc(j.last, func(_ string, l limited) bool { return t.Sub(l.at) >= limitEvery })
	return len(j.last) < maxKeys
}
