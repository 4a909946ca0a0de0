//go:build linux

package hostlab

import (
	"fmt"
	"os/exec"
	"strings"
)

// Wall has the switches drop frames until Unwall: rules of nft(8) in the chains from (what comes
// from a cable), to (what leaves by one) and between (what goes from one cable to another). Port
// names a host's cable. A rule begins with its chain, as in `between iifname "lb01.0" drop`.
// Walls of other names stand beside it.
func (l *Lab) Wall(t T, name string, rules ...string) {
	t.Helper()
	wall := "bridge " + name
	text := fmt.Sprintf("add table %[1]s\ndelete table %[1]s\nadd table %[1]s\n", wall)
	for chain, hook := range map[string]string{"from": "prerouting", "to": "postrouting", "between": "forward"} {
		text += fmt.Sprintf("add chain %s %s { type filter hook %s priority 0; }\n", wall, chain, hook)
	}
	for _, r := range rules {
		text += fmt.Sprintf("add rule %s %s\n", wall, r)
	}
	nft(t, text)
}

// Unwall takes a wall away, if there is one.
func (l *Lab) Unwall(t T, name string) {
	t.Helper()
	nft(t, fmt.Sprintf("add table bridge %[1]s\ndelete table bridge %[1]s\n", name))
}

func nft(t T, text string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hostlab: nft: %v\n%s\n%s", err, out, text)
	}
}

// Port is the switch's end of a host's cable, for Wall.
func (h *Host) Port(nic int) string { return portOf(h.name, nic) }

// Referee is an address of the lab on the eth0 switch that neither clients nor routes use.
const Referee = "10.77.0.253"
