package vrrpnet

import (
	"fmt"
	"strings"
)

// owner begins the alias of every interface of ours.
const owner = "pairkeeper"

// record is what the alias of a MACVLAN says: "pairkeeper eth0 ipv4 arp_ignore=0
// arp_announce=0". It survives the daemon, and ip(8) shows it.
type record struct {
	base   string
	ipv6   bool
	known  bool // former
	former baseConf
}

func (r record) String() string {
	if !r.known {
		return fmt.Sprintf("%s %s %s", owner, r.base, r.family())
	}
	return fmt.Sprintf("%s %s %s arp_ignore=%d arp_announce=%d", owner, r.base, r.family(), r.former.ignore, r.former.announce)
}

func (r record) family() string {
	if r.ipv6 {
		return "ipv6"
	}
	return "ipv4"
}

// readRecord reads an alias; false: it is not ours.
func readRecord(alias string) (r record, ours bool) {
	words := strings.Fields(alias)
	if len(words) == 0 || words[0] != owner {
		return record{}, false
	}
	if len(words) < 3 {
		return record{}, true
	}
	r.base, r.ipv6 = words[1], words[2] == "ipv6"
	n, err := fmt.Sscanf(strings.Join(words[3:], " "), "arp_ignore=%d arp_announce=%d", &r.former.ignore, &r.former.announce)
	r.known = n == 2 && err == nil
	return r, true
}
