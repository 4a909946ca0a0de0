package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Owned is what of a table is ours.
type Owned struct {
	Services []Key
	Sync     []Role
}

// Of is what a table has, as something that is owned.
func Of(t Table) Owned {
	var o Owned
	for i := range t.Services {
		o.Services = append(o.Services, t.Services[i].Key)
	}
	for _, s := range t.Sync {
		o.Sync = append(o.Sync, s.Role)
	}
	return o
}

// Empty tells that nothing is ours.
func (o Owned) Empty() bool { return len(o.Services) == 0 && len(o.Sync) == 0 }

// And is what is in either, in order.
func (o Owned) And(p Owned) Owned {
	services, roles := slices.Concat(o.Services, p.Services), slices.Concat(o.Sync, p.Sync)
	slices.SortFunc(services, Key.Compare)
	slices.Sort(roles)
	return Owned{slices.Compact(services), slices.Compact(roles)}
}

// Equal tells whether two are the same, both in order.
func (o Owned) Equal(p Owned) bool {
	return slices.Equal(o.Services, p.Services) && slices.Equal(o.Sync, p.Sync)
}

// String is one thing a line, as ParseOwned reads it.
func (o Owned) String() string {
	var b strings.Builder
	for _, k := range o.Services {
		fmt.Fprintln(&b, k)
	}
	for _, r := range o.Sync {
		fmt.Fprintln(&b, "sync", r)
	}
	return b.String()
}

// ParseOwned reads what String wrote. What it does not know is left out, and told.
func ParseOwned(text string) (Owned, error) {
	var o Owned
	var unknown []string
	for line := range strings.Lines(text) {
		switch line = strings.TrimSuffix(line, "\n"); line {
		case "sync master":
			o.Sync = append(o.Sync, Master)
		case "sync backup":
			o.Sync = append(o.Sync, Backup)
		default:
			if k, ok := parseKey(line); ok {
				o.Services = append(o.Services, k)
			} else {
				unknown = append(unknown, line)
			}
		}
	}
	if len(unknown) > 0 {
		return o, fmt.Errorf("%q is no service", unknown)
	}
	return o.And(Owned{}), nil
}

// parseKey reads what Key.String wrote.
func parseKey(s string) (Key, bool) {
	if word, mark := strings.CutPrefix(s, "fwmark "); mark {
		number, is6 := strings.CutSuffix(word, " IPv6")
		n, err := strconv.ParseUint(number, 10, 32)
		return Key{Mark: uint32(n), IPv6: is6}, err == nil && n > 0
	}
	word, address, _ := strings.Cut(s, " ")
	at, err := netip.ParseAddrPort(address)
	for _, p := range []Protocol{TCP, UDP, SCTP} {
		if word == p.String() && err == nil {
			return Key{Protocol: p, Address: at}, true
		}
	}
	return Key{}, false
}
