package ipvs

import (
	"fmt"
	"net/netip"
)

// RealServer says what of a host keeps it from being a real server of direct routing, or
// behind a tunnel, for some virtual addresses: it has to have them, and tell nobody.
func (h *Host) RealServer(addresses []netip.Addr) []Finding {
	return once(h.realServer(addresses, ""))
}

// realServer is RealServer for a host that may be Active, and then has the addresses on an
// interface as well.
func (h *Host) realServer(addresses []netip.Addr, active string) (list []Finding) {
	for _, a := range addresses {
		list = append(list, h.has(a, active)...)
		if a.Is4() { // neighbour discovery answers for the addresses of its interface alone
			list = append(list, h.answers(a)...)
			list = append(list, h.asks(a)...)
		}
	}
	return list
}

// keepAddress is how an address stays.
const keepAddress = "for every boot, a file as examples/lvs-dr/real-server/lvs-vip"

// has is about where an address lies.
func (h *Host) has(a netip.Addr, active string) (list []Finding) {
	single := netip.PrefixFrom(a, a.BitLen())
	add := fmt.Sprintf("ip address add %s dev lo", single)
	here := false
	for _, i := range h.Interfaces {
		for _, p := range i.Addresses {
			remove := fmt.Sprintf("ip address delete %s dev %s", p, i.Name)
			switch {
			case p.Addr() != a || i.Name == active:
				continue
			case !i.Quiet:
				list = append(list, Finding{
					What: fmt.Sprintf("%s is on %s", p, i.Name), Breaks: "this host answers for it there, and clients come here past the directors",
					Mend: []string{remove, add}, Keep: keepAddress,
				})
			case p != single:
				list = append(list, Finding{
					What: fmt.Sprintf("%s is on %s", p, i.Name), Breaks: fmt.Sprintf("all of %s is looked for there, so nobody in it is answered", p.Masked()),
					Mend: []string{remove, add}, Keep: keepAddress,
				})
			case i.Tunnel:
				list = append(list, h.unwrapped(i.Name)...)
			}
			here = true
		}
	}
	if !here {
		list = append(list, Finding{
			What: fmt.Sprintf("%s is on no interface of this host", a), Breaks: "what the directors send here is dropped",
			Mend: []string{add}, Keep: keepAddress,
		})
	}
	return list
}

// unwrapped: what comes out of a tunnel is from clients to whom the way is another one.
func (h *Host) unwrapped(tunnel string) []Finding {
	const strict, loose = 1, 2
	if mode, known := h.greater(tunnel, "rp_filter"); !known || mode != strict {
		return nil
	}
	return []Finding{h.wrong("what comes out of the tunnel is from clients to whom the way is another one: it is dropped", setting{confKey(tunnel, "rp_filter"), loose})}
}

// answers is about questions for an address by ARP.
func (h *Host) answers(a netip.Addr) []Finding {
	return h.tells("arp_ignore", 1, 2, fmt.Sprintf("this host answers who asks for %s by ARP, and clients come here past the directors", a))
}

// asks is about questions by ARP in the name of an address.
func (h *Host) asks(a netip.Addr) []Finding {
	return h.tells("arp_announce", 2, 2, fmt.Sprintf("this host asks for others in the name of %s, who learn from it that %s is here, and come past the directors", a, a))
}

// tells looks at a sysctl of every interface on which there is ARP. It has to be between
// least and most, and least is what to write.
func (h *Host) tells(name string, least, most int, breaks string) []Finding {
	for _, i := range h.Interfaces {
		value, known := h.greater(i.Name, name)
		if i.Quiet || !known || value >= least && value <= most {
			continue
		}
		wrong := []setting{{confKey("all", name), least}}
		if own := confKey(i.Name, name); h.Sysctls[own] > most {
			wrong = append(wrong, setting{own, least})
		}
		if value > most { // such as 8: it answers for no address at all
			breaks = fmt.Sprintf("%d is for other uses: %d is what a real server needs", value, least)
		}
		return []Finding{h.wrong(breaks, wrong...)}
	}
	return nil
}
