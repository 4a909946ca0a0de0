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
