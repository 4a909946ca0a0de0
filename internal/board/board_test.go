package board

import (
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

// state is a pair with a heartbeat, of which this node is the Backup.
func state() *daemon.Status {
	return &daemon.Status{
		Version: "1.0", Node: "lb02", Peer: "lb01", Started: before(time.Hour),
		Health: daemon.HealthStatus{Verdict: "healthy", Since: before(time.Hour)},
		Routers: []daemon.RouterStatus{{
			Name: "web", State: "BACKUP", Since: before(time.Minute), Priority: 100, Interval: "200ms", Addresses: []string{"10.0.0.3/24"},
			Peer:  &daemon.PeerStatus{Address: "10.0.0.1", Priority: 150, Heard: before(100 * time.Millisecond), Since: before(time.Minute)},
			Claim: &daemon.ClaimStatus{Role: "holds", Priority: 150},
		}},
		Heartbeat: &daemon.HeartbeatStatus{
			Class: "able", Gateway: "answers", Links: []daemon.LinkStatus{{Local: "10.0.0.2", Peer: "10.0.0.1", State: "both-ways", Heard: before(0)}},
			Peer: &daemon.HeartbeatPeerStatus{Class: "able", Version: "1.0", Gateway: "answers", Heard: before(0)},
		},
	}
}

func TestWhoHoldsAndSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*daemon.Status, *daemon.RouterStatus)
		want   string
		level  Level
	}{
		"the other one": {func(*daemon.Status, *daemon.RouterStatus) {}, "held by lb01 for 1m0s", Good},
		"it did so when the daemon began": {func(_ *daemon.Status, r *daemon.RouterStatus) { r.Peer.Since = before(time.Hour - time.Second) },
			"held by lb01 for at least 59m59s", Good},
		"its adverts are blocked": {func(_ *daemon.Status, r *daemon.RouterStatus) { r.Peer = nil }, "held by lb01", Good},
		"this node": {func(_ *daemon.Status, r *daemon.RouterStatus) { r.State, r.Claim.Role = "ACTIVE", "standby" },
			"held by lb02 for 1m0s", Good},
		"both": {func(_ *daemon.Status, r *daemon.RouterStatus) { r.State = "ACTIVE" }, "held by both nodes for 1m0s", Bad},
		"this node, after silence": {func(s *daemon.Status, r *daemon.RouterStatus) {
			r.State, r.Peer.Heard, s.Heartbeat.Links[0].State = "ACTIVE", before(time.Minute), "silent"
		}, "held by lb02 for 1m0s", Good},
		"nobody": {func(s *daemon.Status, r *daemon.RouterStatus) {
			r.Peer.Heard, s.Heartbeat.Links[0].State = before(time.Minute), "silent"
		}, "nobody is known to hold it", Bad},
		"a stranger":               {func(_ *daemon.Status, r *daemon.RouterStatus) { r.Claim.Role = "standby" }, "held by neither node, but 10.0.0.1 advertises it", Bad},
		"no heartbeat":             {func(s *daemon.Status, r *daemon.RouterStatus) { s.Heartbeat, r.Claim = nil, nil }, "held by lb01 for 1m0s", Good},
		"the other, this is FAULT": {func(_ *daemon.Status, r *daemon.RouterStatus) { r.State = "FAULT" }, "held by lb01 for 1m0s", Warn},
		"it gave the addresses up": {func(s *daemon.Status, r *daemon.RouterStatus) {
			s.Heartbeat, r.Claim, r.Peer.Priority = nil, nil, 0
		}, "nobody is known to hold it", Bad},
	} {
		t.Run(name, func(t *testing.T) {
			s := state()
			c.change(s, &s.Routers[0])
			r := Of(s, noon).Routers[0]
			if got := r.Holder + r.Since; got != c.want || r.Level != c.level {
				t.Errorf("%q (%s), want %q (%s)", got, r.Level, c.want, c.level)
			}
		})
	}
}

func TestTheOtherNodeIsWhatItSays(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*daemon.Status)
		want   string
		level  Level
	}{
		"well":     {func(*daemon.Status) {}, "able; gateway answers; pairkeeper 1.0, heard 0s ago", Good},
		"ill":      {func(s *daemon.Status) { s.Heartbeat.Peer.Class = "proxy failed" }, "proxy failed; gateway answers; pairkeeper 1.0, heard 0s ago", Bad},
		"resigned": {func(s *daemon.Status) { s.Heartbeat.Peer.Class = "maintenance" }, "maintenance; gateway answers; pairkeeper 1.0, heard 0s ago", Warn},
		"cut off":  {func(s *daemon.Status) { s.Heartbeat.Peer.Gateway = "lost" }, "able; gateway does not answer; pairkeeper 1.0, heard 0s ago", Good},
		"silent": {func(s *daemon.Status) {
			s.Heartbeat.Links[0].State, s.Heartbeat.Peer.Heard = "silent", before(time.Minute)
		}, "silent for 1m0s; it was able; pairkeeper 1.0", Bad},
		"never heard":  {func(s *daemon.Status) { s.Heartbeat.Peer = nil }, "not heard by heartbeat yet", Bad},
		"no heartbeat": {func(s *daemon.Status) { s.Heartbeat = nil }, "advertised 100ms ago; there is no heartbeat: only a holder's adverts tell of it", Plain},
	} {
		t.Run(name, func(t *testing.T) {
			s := state()
			c.change(s)
			n := Of(s, noon).Nodes[1]
			if got := strings.Join(append([]string{n.State}, n.Facts...), "; "); got != c.want || n.Level != c.level {
				t.Errorf("%q (%s), want %q (%s)", got, n.Level, c.want, c.level)
			}
		})
	}
}
