package daemon

import (
	"fmt"
	"strconv"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// HeartbeatStatus is what the heartbeat tells.
type HeartbeatStatus struct {
	Links []LinkStatus         `json:"links"`
	Peer  *HeartbeatPeerStatus `json:"peer,omitempty"` // none: nothing has been heard
	Class string               `json:"class"`          // of this node
	// Gateway is whether that of this node answers: answers, lost, doubtful; empty: it is not asked, or has not answered yet.
	Gateway string `json:"gateway,omitempty"`
	// Different is what the two nodes do not have in common, though they should.
	Different []string `json:"different,omitempty"`
	// DiffersIn are the same in words: config, proxy, version or clock.
	DiffersIn []string `json:"differs_in,omitempty"`
}

// LinkStatus is one link of the heartbeat.
type LinkStatus struct {
	Local     string          `json:"local"`
	Peer      string          `json:"peer"`
	State     string          `json:"state"` // both-ways, one-way or silent
	Heard     time.Time       `json:"heard,omitzero"`
	RoundTrip string          `json:"round_trip,omitempty"`
	Sent      uint64          `json:"sent"`
	Received  uint64          `json:"received"`
	Lost      uint64          `json:"lost"` // of what the other node has sent on it
	Problem   string          `json:"problem,omitempty"`
	Refused   []RefusedStatus `json:"refused,omitempty"`
}

// HeartbeatPeerStatus is what the other node said last.
type HeartbeatPeerStatus struct {
	Class   string    `json:"class"`
	Gateway string    `json:"gateway,omitempty"` // whether its gateway answers
	Version string    `json:"version"`
	Heard   time.Time `json:"heard"`
	Ahead   string    `json:"clock_ahead,omitempty"` // of this node's
}

var (
	reachWords = [...]string{fencing.Unasked: "", fencing.Reached: "answers", fencing.Lost: "lost", fencing.Doubtful: "doubtful"}
	roleWords  = [...]string{fencing.Out: "out", fencing.Standby: "standby", fencing.Holds: "holds"}
)

// heartbeatStatus is nil where there is no heartbeat. It is called on the loop's thread.
func (l *loop) heartbeatStatus(v supervisor.HeartbeatView) *HeartbeatStatus {
	if len(v.Links) == 0 {
		return nil
	}
	s := &HeartbeatStatus{Class: v.Class.String(), Gateway: reachWords[v.Gateway]}
	for i, link := range v.Links {
		one := LinkStatus{Local: link.Local.Addr().String(), Peer: link.Peer.Addr().String(), State: link.Hearing.String(), Heard: when(link.Heard)}
		if link.RoundTrip > 0 {
			one.RoundTrip = link.RoundTrip.Round(time.Microsecond).String()
		}
		if i < len(l.hands.wires.lost) {
			one.Lost = l.hands.wires.lost[i].count
		}
		s.Links = append(s.Links, one)
	}
	if v.Peer.Node != "" {
		s.Peer = &HeartbeatPeerStatus{Class: v.Peer.Class.String(), Gateway: reachWords[v.Peer.Gateway], Version: v.Peer.Version, Heard: when(v.Heard)}
		if v.Ahead != 0 {
			s.Peer.Ahead = v.Ahead.Round(time.Millisecond).String()
		}
		s.differ(v, digestOf(l.hands.configHash))
	}
	return s
}

// differ adds what both nodes should have in common and have not.
func (s *HeartbeatStatus) differ(v supervisor.HeartbeatView, proxy uint64) {
	add := func(in, text string) {
		s.DiffersIn, s.Different = append(s.DiffersIn, in), append(s.Different, text)
	}
	if v.Peer.Config != v.Config {
		add("config", "pairkeeper's configuration: it has to be the same on both nodes; compare `pairkeeper check --print`")
	}
	if v.Peer.Proxy != proxy && v.Peer.Proxy != 0 && proxy != 0 {
		add("proxy", "the proxy's configuration: compare the files of both nodes")
	}
	if v.Peer.Version != v.Version {
		add("version", fmt.Sprintf("the version of pairkeeper: %s here, %s there", v.Version, v.Peer.Version))
	}
	if v.Clock != "" {
		add("clock", "the time of day: its "+v.Clock+"; look at `timedatectl` on both")
	}
}

// count adds what the wires have carried.
func (s *HeartbeatStatus) count(counts []fencingnet.WireCount) {
	for i := range s.Links {
		if i >= len(counts) {
			return
		}
		one, c := &s.Links[i], counts[i]
		one.Sent, one.Received, one.Problem = c.Sent, c.Received, c.Problem
		for _, r := range []fencing.Refusal{fencing.RefusalGarbage, fencing.RefusalFormat, fencing.RefusalKey, fencing.RefusalMAC} {
			if n := c.Refused[r]; n > 0 {
				one.Refused = append(one.Refused, RefusedStatus{Reason: string(r), From: one.Peer, Count: n, Remedy: r.Remedy()})
			}
		}
	}
}

// digestOf is the beginning of a hash in hex; 0: there is none.
func digestOf(hash string) uint64 {
	if len(hash) < 16 {
		return 0
	}
	n, err := strconv.ParseUint(hash[:16], 16, 64)
	if err != nil {
		return 0
	}
	return n
}
