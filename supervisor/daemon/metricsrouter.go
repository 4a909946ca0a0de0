package daemon

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/internal/exposition"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

var (
	routerWords = []string{"INIT", "BACKUP", "ACTIVE", "FAULT"}
	gateWords   = []string{"open", "shut", "idle", "off", "unsupported"}
)

var routerMetrics = []metric[RouterStatus]{
	{exposition.Gauge, "pairkeeper_router_info", "What a virtual router is; always 1.", func(r *RouterStatus, put adder) {
		put(1, "interface", r.Interface, "vrid", strconv.Itoa(r.VRID), "version", strconv.Itoa(r.Version), "group", r.Group)
	}},
	{exposition.Gauge, "pairkeeper_router_state", "The state of a virtual router: 1 for the one that it is in.",
		oneOf("state", routerWords, func(r *RouterStatus) string { return r.State })},
	{exposition.Gauge, "pairkeeper_router_since_timestamp_seconds", "Since when it is in its state.",
		instant(func(r *RouterStatus) time.Time { return r.Since })},
	{exposition.Gauge, "pairkeeper_router_fault", "Why it does not take part, or as the last resort only; 1 while that is so.", func(r *RouterStatus, put adder) {
		if r.Reason != "" {
			put(1, "reason", r.Reason)
		}
	}},
	{exposition.Gauge, "pairkeeper_router_last_resort", "Whether it takes part though the node has failed.",
		value(func(r *RouterStatus) float64 { return exposition.Bool(r.LastResort) })},
	{exposition.Gauge, "pairkeeper_router_priority", "The priority that it has now.",
		value(func(r *RouterStatus) float64 { return float64(r.Priority) })},
	{exposition.Gauge, "pairkeeper_router_flaps", "How often the node failed of late, which makes it wait.",
		value(func(r *RouterStatus) float64 { return float64(r.Flaps) })},
	{exposition.Gauge, "pairkeeper_router_address_held", "Whether this node's kernel has a virtual address from pairkeeper.", func(r *RouterStatus, put adder) {
		for _, a := range r.Addresses {
			put(exposition.Bool(r.Held), "address", a)
		}
	}},
	{exposition.Gauge, "pairkeeper_router_gate", "How the gate of a router is: 1 for that.",
		oneOf("state", gateWords, func(r *RouterStatus) string { word, _, _ := strings.Cut(r.Gate, ":"); return word })},
	{exposition.Counter, "pairkeeper_router_state_entered_total", "Transitions into a state; 0 before the first one, so that it is seen.", func(r *RouterStatus, put adder) {
		for _, state := range routerWords {
			put(r.moves(func(t TransitionStatus) bool { return t.To == state }), "state", state)
		}
	}},
	{exposition.Counter, "pairkeeper_router_transitions_total", "Transitions, by their kind.", func(r *RouterStatus, put adder) {
		for _, t := range r.Transitions {
			put(float64(t.Count), "from", t.From, "to", t.To, "reason", t.Reason)
		}
	}},
	{exposition.Counter, "pairkeeper_router_adverts_sent_total", "Adverts sent.", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Sent) })},
	{exposition.Counter, "pairkeeper_router_adverts_received_total", "Adverts received and accepted.", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Received) })},
	{exposition.Counter, "pairkeeper_router_adverts_refused_total", "Adverts refused, by the reason.", func(r *RouterStatus, put adder) {
		byReason(r.Adverts.Refused, put, (*RefusedStatus).byReason)
	}},
	{exposition.Counter, "pairkeeper_router_advert_send_errors_total", "Adverts that could not be sent.", value(func(r *RouterStatus) float64 { return float64(r.Adverts.SendErrors) })},
	{exposition.Counter, "pairkeeper_router_releases_sent_total", "Adverts of priority 0 sent: the addresses are free.", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Releases) })},
	{exposition.Counter, "pairkeeper_router_releases_received_total", "Adverts of priority 0 received.", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Released) })},
	{exposition.Gauge, "pairkeeper_router_peer_priority", "The priority in the advert last heard.", func(r *RouterStatus, put adder) {
		if r.Peer != nil {
			put(float64(r.Peer.Priority))
		}
	}},
	{exposition.Gauge, "pairkeeper_router_peer_heard_timestamp_seconds", "When an advert of the peer was last heard.", instant(func(r *RouterStatus) (at time.Time) {
		if r.Peer != nil {
			at = r.Peer.Heard
		}
		return at
	})},
	{exposition.Gauge, "pairkeeper_router_arbiter", "The rule that the arbiter follows; 1 while it does.", func(r *RouterStatus, put adder) {
		if r.Arbiter != nil {
			put(1, "rule", r.Arbiter.Rule)
		}
	}},
	{exposition.Gauge, "pairkeeper_router_arbiter_since_timestamp_seconds", "Since when it follows that.", instant(func(r *RouterStatus) (at time.Time) {
		if r.Arbiter != nil {
			at = r.Arbiter.Since
		}
		return at
	})},
	{exposition.Counter, "pairkeeper_router_remarks_total", "What it noted without a change of state, by the reason.", func(r *RouterStatus, put adder) {
		byReason(r.Remarks, put, (*RemarkStatus).byReason)
	}},
}

// routersPage adds those that depend on the time.
func routersPage(p *exposition.Page, list []RouterStatus, now time.Time) {
	named := func(r *RouterStatus) []string { return []string{"router", r.Name} }
	write(p, routerMetrics, list, named)
	write(p, []metric[RouterStatus]{
		{exposition.Gauge, "pairkeeper_router_split_brain", "Whether an Active router sees that another node holds, too: it may be (suspected), or it is for certain (confirmed).", func(r *RouterStatus, put adder) {
			suspected, confirmed := splitBrain(r, now)
			put(exposition.Bool(suspected), "certainty", "suspected")
			put(exposition.Bool(confirmed), "certainty", "confirmed")
		}},
	}, list, named)
}

// bothHold are the rules of a holder that knows of another one, others the remarks on one.
var (
	bothHold = []fencing.Rule{fencing.RuleWaitBoth, fencing.RuleYields, fencing.RuleDeaf, fencing.RuleWins, fencing.RuleStranger}
	others   = []vrrp.Reason{vrrp.ReasonLowerAdvert, vrrp.ReasonOwnerConflict, vrrp.ReasonIntervalRefused, vrrp.ReasonAddressContest, vrrp.ReasonAddressClaimed}
)

// lately is how long a remark on another holder counts: its adverts repeat it.
const lately = 5 * time.Second

// splitBrain says what an Active router knows of another holder. Certain is what the arbiter
// takes for an alarm, not the moment in which one takes over from the other.
func splitBrain(r *RouterStatus, now time.Time) (suspected, confirmed bool) {
	if r.State != vrrp.Active.String() {
		return false, false
	}
	if a := r.Arbiter; a != nil && slices.Contains(bothHold, fencing.Rule(a.Rule)) {
		suspected, confirmed = true, a.Text != ""
	}
	for _, m := range r.Remarks {
		if slices.Contains(others, vrrp.Reason(m.Reason)) && now.Sub(m.Last) < lately {
			suspected = true
		}
	}
	return suspected, confirmed
}

// byReason writes a sample for each reason, of all sources together: a stranger can invent as many as
// he likes. The list is sorted by the reason.
func byReason[T any](list []T, put adder, of func(*T) (reason string, count uint64)) {
	for i := 0; i < len(list); {
		reason, sum := of(&list[i])
		for i++; i < len(list); i++ {
			next, count := of(&list[i])
			if next != reason {
				break
			}
			sum += count
		}
		put(float64(sum), "reason", reason)
	}
}

func (c *RefusedStatus) byReason() (reason string, count uint64) { return c.Reason, c.Count }
func (m *RemarkStatus) byReason() (reason string, count uint64)  { return m.Reason, m.Count }
