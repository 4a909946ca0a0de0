package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Faults that name an interface, a link, a direction, a number or a probe:
//
//	cable cut|back [eth1]           isolated [in|out] [eth1]
//	heartbeat [2] cut|back [in|out] peer cut|back [in|out]
//	loss 30 [in|out]                vrrp blocked out
//	probe NAME fails|mends
//
// in and out are as the host sees them; without a word both are meant.

// named finds what such a fault does to a host; nil: it is none.
func (h *host) named(what string) func() {
	words := strings.Fields(what)
	if len(words) < 2 {
		return nil
	}
	last, rest := words[len(words)-1], words[1:]
	switch words[0] {
	case "probe":
		if name := strings.Join(rest[:len(rest)-1], " "); (last == "fails" || last == "mends") && h.asked(name) {
			return func() { h.failing[name] = last == "fails" }
		}
	case "cable":
		if n := h.nic(last); n != nil && len(rest) == 2 {
			return h.cable(n, rest[0])
		}
	case "isolated":
		return h.isolated(rest)
	case "heartbeat":
		return h.heartbeatFault(rest)
	case "peer":
		return h.peerFault(rest)
	case "loss":
		return h.loss(rest)
	case "vrrp":
		if slices.Equal(rest, []string{"blocked", "out"}) {
			return func() { h.mute = true }
		}
	}
	return nil
}

// asked tells that a host has a probe of that name.
func (h *host) asked(probe string) bool {
	for i := range h.cfg.Probes {
		if h.cfg.Probes[i].Name == probe {
			return true
		}
	}
	return false
}

// cable cuts the cable of an interface, or puts it back.
func (h *host) cable(n *nic, word string) func() {
	switch word {
	case "cut":
		return func() { n.carrier = false; h.tellLinks() }
	case "back":
		return func() { n.carrier, n.in, n.out = true, true, true; h.tellLinks() }
	}
	return nil
}

// isolated has the switch drop frames; the carrier stays.
func (h *host) isolated(words []string) func() {
	in, out, words := direction(words)
	n := h.front()
	if len(words) == 1 {
		n, words = h.nic(words[0]), nil
	}
	if n == nil || len(words) > 0 {
		return nil
	}
	return func() { n.in, n.out = n.in && !in, n.out && !out }
}

// direction takes the words in and out away from the words at an end: neither means both.
func direction(words []string) (in, out bool, rest []string) {
	at := slices.IndexFunc(words, func(w string) bool { return w == "in" || w == "out" })
	if at < 0 {
		return true, true, words
	}
	return words[at] == "in", words[at] == "out", slices.Delete(slices.Clone(words), at, at+1)
}

// heartbeatFault concerns all links, or the one that is named, from 1.
func (h *host) heartbeatFault(words []string) func() {
	in, out, words := direction(words)
	links := h.lines
	if len(words) == 0 {
		return nil
	}
	if n, err := strconv.Atoi(words[0]); err == nil && n >= 1 && n <= len(links) {
		links, words = links[n-1:n], words[1:]
	}
	if len(words) != 1 || words[0] != "cut" && words[0] != "back" {
		return nil
	}
	works := words[0] == "back"
	return func() {
		for _, l := range links {
			if in {
				l.in = works
			}
			if out {
				l.out = works
			}
		}
	}
}

// peerFault cuts everything between the two hosts, on every network; both still reach all
// others.
func (h *host) peerFault(words []string) func() {
	in, out, words := direction(words)
	if len(words) != 1 || words[0] != "cut" && words[0] != "back" {
		return nil
	}
	severed := words[0] == "cut"
	return func() {
		for _, other := range h.world.hosts {
			if out && other == h || in && other != h {
				other.severed = severed
			}
		}
	}
}

// loss drops so many of a hundred packets.
func (h *host) loss(words []string) func() {
	in, out, words := direction(words)
	if len(words) != 1 {
		return nil
	}
	percent, err := strconv.Atoi(words[0])
	if err != nil || percent < 0 || percent > 100 {
		return nil
	}
	return func() {
		if in {
			h.lossIn = percent
		}
		if out {
			h.lossOut = percent
		}
	}
}

// flapEvery is how long a gateway that comes and goes does either.
const flapEvery = 2 * time.Second

// flap has the gateway go, come and so on, until something else happens to it.
func (h *host) flap() {
	h.flaps++
	h.flapping = true
	turn := h.flaps
	var next func()
	next = func() {
		if h.flaps == turn {
			h.gateway = !h.gateway
			h.world.after(flapEvery, next)
		}
	}
	next()
}

// gatewayIs ends the flapping.
func (h *host) gatewayIs(works bool) {
	h.flaps++
	h.flapping = false
	h.gateway = works
}
