package daemon

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// journal turns what happens into records. Only the loop's thread uses it; the records
// are written elsewhere, so that a full disk or a stopped journald delays nothing.
type journal struct {
	log   *slog.Logger
	proxy string // the guarded one's name
	limit limit

	recent recent
}

func newJournal(log *slog.Logger) *journal { return &journal{log: log, limit: newLimit()} }

// serve begins with a configuration.
func (j *journal) serve(cfg supervisor.Config) {
	j.proxy = ""
	if cfg.Proxy.Guarded() {
		j.proxy = cfg.Proxy.Name()
	}
}

// transition writes one line with what, why and who else.
func (j *journal) transition(r supervisor.Router, node *supervisor.Node, e vrrp.Enter) {
	view := node.Router(r.Name)
	text := fmt.Sprintf("%s: %s -> %s (%s) [%s]", r.Name, e.From, e.To, e.Reason, notifynet.KeepalivedWord(e.To))
	if e.Peer.IsValid() {
		text += ", peer " + e.Peer.String()
	}
	if e.To == vrrp.Fault && view.Detail != "" {
		text += ": " + view.Detail
	}
	level := slog.LevelInfo
	if e.To == vrrp.Fault {
		level = slog.LevelError
	}
	j.limit.renew(r.Name + ": ")
	j.put(entry{level, e.Reason, text, append(fieldsOf(r, e.Peer), transitionFields(e.From, e.To, view.Priority)...)})
}

func transitionFields(from, to vrrp.State, priority uint8) []any {
	return []any{logbook.State, to.String(), logbook.OldState, from.String(), logbook.Priority, int(priority)}
}

// fieldsOf are the fields of a record about a router, and about somebody else if peer is
// valid.
func fieldsOf(r supervisor.Router, peer netip.Addr) []any {
	fields := []any{logbook.Router, r.Name, logbook.Interface, r.Interface}
	if peer.IsValid() {
		fields = append(fields, logbook.Peer, peer.String())
	}
	return fields
}

// quiet reasons are news, not trouble.
var quiet = map[vrrp.Reason]bool{
	supervisor.ReasonProxyRecovered:  true,
	supervisor.ReasonProxyReloading:  true,
	supervisor.ReasonProxyRestarting: true,
	supervisor.ReasonProxyReturns:    true,
	supervisor.ReasonConfReloaded:    true,
	supervisor.ReasonAgrees:          true,
	supervisor.ReasonConfLoaded:      true,
	supervisor.ReasonConfRestored:    true,
	supervisor.ReasonFenceConfirmed:  true,
	supervisor.ReasonFenceWorks:      true,
	supervisor.ReasonServerUp:        true,
	supervisor.ReasonQuorumGained:    true,
	vrrp.ReasonIntervalAdopted:       true,
}

// note writes what a decider noted. What a router notes may come with every advert: the
// same is written once a minute, or again after a transition. What is about the node is
// news each time.
func (j *journal) note(n supervisor.Note, fields ...any) {
	e := entry{slog.LevelWarn, n.Reason, fmt.Sprintf("%s (%s)", n.Detail, n.Reason), fields}
	if quiet[n.Reason] {
		e.level = slog.LevelInfo
	}
	if remedy := n.Reason.Remedy(); remedy != "" {
		e.text += ": " + remedy
	}
	switch {
	case n.Router != "":
		e.text = n.Router + ": " + e.text
	case fencing.Refusal(n.Reason).Remedy() == "": // of heartbeats that are refused there may be a flood
		j.put(e)
		return
	}
	j.write(e.text, e)
}

// refused writes that adverts of somebody are refused.
func (j *journal) refused(r supervisor.Router, refusal vrrp.Refusal, from netip.Addr, count uint64) {
	who := sourceWord(from)
	j.limited(r.Name+" "+string(refusal)+" "+who, logbook.AdvertRefused,
		fmt.Sprintf("%s: adverts of %s on %s refused (%s), %d so far: %s", r.Name, who, r.AdvertsOn(), refusal, count, refusal.Remedy()),
		append(fieldsOf(r, netip.Addr{}), logbook.Interface, r.AdvertsOn(), logbook.Refusal, string(refusal), logbook.Peer, who)...)
}

// warn writes a warning of the shell's own.
func (j *journal) warn(reason vrrp.Reason, text string) { j.limited(text, reason, text) }

// limited writes a warning, once a minute for a key.
func (j *journal) limited(key string, reason vrrp.Reason, text string, fields ...any) {
	j.write(key, entry{slog.LevelWarn, reason, text, fields})
}

// write writes an entry unless its like was written within a minute.
func (j *journal) write(key string, e entry) {
	if e, ok := j.limit.pass(now(), key, e); ok {
		j.put(e)
	}
}

// sweep writes what is left to say of what was kept back.
func (j *journal) sweep() {
	for _, e := range j.limit.sweep(now()) {
		j.put(e)
	}
}

// entry is a record to be.
type entry struct {
	level  slog.Level
	reason vrrp.Reason
	text   string
	fields []any // names and values in turn
}

func (j *journal) put(e entry) {
	j.recent.add(time.Now(), e)
	args := append([]any{logbook.Reason, string(e.reason)}, e.fields...)
	if j.proxy != "" {
		args = append(args, logbook.Proxy, j.proxy)
	}
	j.log.Log(nil, e.level, e.text, args...) //nolint:staticcheck // no context: nothing here is cancelled
}
