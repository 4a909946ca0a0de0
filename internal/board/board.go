// Package board puts what a daemon says of its pair into the words that `pairkeeper status
// --watch` and the status page show: both nodes side by side, who holds what and since when,
// and what happened last.
package board

import (
	"fmt"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// Level is how good something is.
type Level string

// The levels.
const (
	Good  Level = "good"
	Warn  Level = "warn"
	Bad   Level = "bad"
	Plain Level = "plain" // neither
)

// Board is a pair in words at a moment.
type Board struct {
	At      time.Time `json:"at"`
	Alarms  []string  `json:"alarms"`
	Nodes   [2]Node   `json:"nodes"` // the one that tells first
	Routers []Router  `json:"routers"`
	Proxy   *Line     `json:"proxy,omitempty"`
	Probes  []Line    `json:"probes"`
	Links   []Line    `json:"links"`
	Voters  []Line    `json:"voters,omitempty"`
	Servers []Line    `json:"virtual_servers,omitempty"`
	Events  []Event   `json:"events"` // newest first
}

// Node is one node of the pair.
type Node struct {
	Name  string   `json:"name"`
	Here  bool     `json:"here"` // the one that tells
	Level Level    `json:"level"`
	State string   `json:"state"` // a few words
	Facts []string `json:"facts"`
}

// Router is one virtual router.
type Router struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Level     Level    `json:"level"`
	Holder    string   `json:"holder"` // held by lb01, or else why nobody is known to hold
	Since     string   `json:"since,omitempty"`
	Here      string   `json:"here"`  // what it is on this node
	There     string   `json:"there"` // and on the other one, as far as that is known
	Arbiter   string   `json:"arbiter,omitempty"`
}

// Line is something with a name.
type Line struct {
	Level  Level  `json:"level"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Event is something that happened.
type Event struct {
	Time   time.Time `json:"time"`
	Ago    string    `json:"ago"`
	Level  Level     `json:"level"`
	Router string    `json:"router,omitempty"`
	Text   string    `json:"text"`
}

// Of makes a board of what a daemon said at a moment.
func Of(s *daemon.Status, now time.Time) *Board {
	b := &Board{At: now, Alarms: Problems(s, now), Nodes: [2]Node{here(s, now), there(s, now)}}
	for i := range s.Routers {
		b.Routers = append(b.Routers, router(s, &s.Routers[i], now))
	}
	if p := s.Proxy; p != nil {
		b.Proxy = proxy(p, now)
	}
	for _, p := range s.Probes {
		b.Probes = append(b.Probes, Line{probeLevels[p.State], p.Name, p.State + lasting(now, p.Since), p.Detail})
	}
	if h := s.Heartbeat; h != nil {
		for _, l := range h.Links {
			b.Links = append(b.Links, link(l, now))
		}
	}
	for _, v := range s.Voters {
		b.Voters = append(b.Voters, voter(v, now))
	}
	for _, v := range s.VirtualServers {
		b.Servers = append(b.Servers, virtualServer(v, now))
	}
	for _, e := range s.Recent {
		b.Events = append(b.Events, event(e, now))
	}
	b.Events = append(b.Events, Event{s.Started, Age(now, s.Started), Plain, "", "pairkeeper began on " + s.Node})
	return b
}

var probeLevels = map[string]Level{"unknown": Plain, "good": Good, "failed": Bad}

// lasting is " for 3m0s"; empty: it is not known.
func lasting(now, since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return " for " + Age(now, since)
}

func proxy(p *daemon.ProxyStatus, now time.Time) *Line {
	l := &Line{Warn, p.Name, p.State + lasting(now, p.Since), fmt.Sprintf("%s; restarted %d times, %d left", p.Unit, p.Restarts, p.Budget)}
	switch p.State {
	case "good":
		l.Level = Good
	case "given-up", "stopped", "missing":
		l.Level = Bad
	}
	return l
}

func link(l daemon.LinkStatus, now time.Time) Line {
	line := Line{Warn, l.Local + " - " + l.Peer, strings.ReplaceAll(l.State, "-", " "), "never heard"}
	if !l.Heard.IsZero() {
		line.Detail = "heard " + Age(now, l.Heard) + " ago"
		if l.RoundTrip != "" {
			line.Detail += ", round trip " + l.RoundTrip
		}
	}
	switch l.State {
	case "both-ways":
		line.Level = Good
	case "silent":
		line.Level = Bad
	}
	return line
}

func voter(v daemon.VoterStatus, now time.Time) Line {
	line := Line{Good, v.Name, v.Answer, ""}
	if !v.Heard.IsZero() {
		line.Detail = "heard " + Age(now, v.Heard) + " ago"
	}
	if v.Owner != "" {
		line.Detail += ", lease of " + v.Owner
	}
	switch {
	case v.Problem != "":
		line.Level, line.State = Bad, "does not answer"
	case v.Answer == "":
		line.Level, line.State = Plain, "not asked yet"
	}
	return line
}

func virtualServer(v daemon.VirtualServerStatus, now time.Time) Line {
	line := Line{Good, v.Name, fmt.Sprintf("%d of %d servers up", v.Up, v.Total), v.Service + ", quorum" + lasting(now, v.Since)}
	switch {
	case !v.Quorum:
		line.Level, line.Detail = Bad, v.Service+", no quorum"+lasting(now, v.Since)
	case v.Up < v.Total:
		line.Level = Warn
	}
	return line
}

// event is a record without what its line says already.
func event(e daemon.RecentStatus, now time.Time) Event {
	text := strings.TrimPrefix(e.Text, e.Router+": ")
	level := Plain
	switch {
	case e.State == "ACTIVE":
		level = Good
	case e.Level == "warning":
		level = Warn
	case e.Level == "error":
		level = Bad
	}
	return Event{e.Time, Age(now, e.Time), level, e.Router, text}
}
