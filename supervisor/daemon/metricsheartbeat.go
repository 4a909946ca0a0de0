package daemon

import (
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
)

var (
	linkWords   = []string{"silent", "one-way", "both-ways"}
	differWords = []string{"config", "proxy", "version", "clock"}
)

var linkMetrics = []metric[LinkStatus]{
	{exposition.Gauge, "pairkeeper_heartbeat_link_state", "What a link of the heartbeat tells: 1 for that.",
		oneOf("state", linkWords, func(l *LinkStatus) string { return l.State })},
	{exposition.Gauge, "pairkeeper_heartbeat_link_heard_timestamp_seconds", "When the other node was last heard on a link.",
		instant(func(l *LinkStatus) time.Time { return l.Heard })},
	{exposition.Gauge, "pairkeeper_heartbeat_link_round_trip_seconds", "The last round trip on a link.", func(l *LinkStatus, put adder) {
		if d, err := time.ParseDuration(l.RoundTrip); err == nil { // there is none yet
			put(d.Seconds())
		}
	}},
	{exposition.Counter, "pairkeeper_heartbeat_link_sent_total", "Messages sent.", value(func(l *LinkStatus) float64 { return float64(l.Sent) })},
	{exposition.Counter, "pairkeeper_heartbeat_link_received_total", "Messages received and accepted.", value(func(l *LinkStatus) float64 { return float64(l.Received) })},
	{exposition.Counter, "pairkeeper_heartbeat_link_lost_total", "Messages of the other node that did not come.", value(func(l *LinkStatus) float64 { return float64(l.Lost) })},
	{exposition.Counter, "pairkeeper_heartbeat_link_refused_total", "Messages refused, by the reason.", func(l *LinkStatus, put adder) {
		byReason(l.Refused, put, (*RefusedStatus).byReason)
	}},
}

var heartbeatMetrics = []metric[HeartbeatStatus]{
	{exposition.Gauge, "pairkeeper_peer_heard", "Whether the other node is heard on any link of the heartbeat.", value(func(h *HeartbeatStatus) float64 {
		return exposition.Bool(slices.ContainsFunc(h.Links, func(l LinkStatus) bool { return l.State != "silent" }))
	})},
	{exposition.Gauge, "pairkeeper_peer_info", "What the other node said last; always 1.", func(h *HeartbeatStatus, put adder) {
		if h.Peer != nil {
			put(1, "version", h.Peer.Version, "class", h.Peer.Class)
		}
	}},
	{exposition.Gauge, "pairkeeper_peer_differs", "What both nodes should have in common: 1 where they have not.", func(h *HeartbeatStatus, put adder) {
		for _, w := range differWords {
			if h.Peer != nil {
				put(exposition.Bool(slices.Contains(h.DiffersIn, w)), "in", w)
			}
		}
	}},
	{exposition.Gauge, "pairkeeper_peer_clock_ahead_seconds", "How far the other node's clock is ahead of this one's.", func(h *HeartbeatStatus, put adder) {
		if h.Peer == nil {
			return
		}
		if d, err := time.ParseDuration(h.Peer.Ahead); err == nil { // it does not tell
			put(d.Seconds())
		}
	}},
}

// heartbeatPage adds how long ago each link was heard: by this node's clock alone.
func heartbeatPage(p *exposition.Page, h *HeartbeatStatus, now time.Time) {
	if h == nil {
		return
	}
	write(p, heartbeatMetrics, []HeartbeatStatus{*h}, func(*HeartbeatStatus) []string { return nil })
	named := func(l *LinkStatus) []string { return []string{"local", l.Local, "peer", l.Peer} }
	write(p, linkMetrics, h.Links, named)
	write(p, []metric[LinkStatus]{
		{exposition.Gauge, "pairkeeper_heartbeat_link_age_seconds", "How long ago the other node was last heard on a link.", func(l *LinkStatus, put adder) {
			if !l.Heard.IsZero() {
				put(max(now.Sub(l.Heard), 0).Seconds())
			}
		}},
	}, h.Links, named)
}
