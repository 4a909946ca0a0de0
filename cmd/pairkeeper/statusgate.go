package main

import (
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// gateWord is how the gate of a router is, in a word.
func gateWord(r daemon.RouterStatus) string {
	word, _, _ := strings.Cut(r.Gate, ":")
	return word
}

// gateProblems says why there is no gate, once, and which router is shut out though it holds.
func gateProblems(routers []daemon.RouterStatus) (list []string) {
	for _, r := range routers {
		if _, why, found := strings.Cut(r.Gate, "unsupported: "); found {
			return []string{"no gate, the addresses are guarded by their lifetime alone: " + why}
		}
		if r.Gate == "shut" && r.State == "ACTIVE" && r.Held {
			list = append(list, r.Name+": its gate is shut, nobody reaches the addresses")
		}
	}
	return list
}
