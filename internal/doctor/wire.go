package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// wireChecks are about who else is on the network.
var wireChecks = []check{
	{id: "other-speaker", looks: "no other VRRP or CARP speaker has a VRID of this pair", needs: []Area{AreaPackets}, concerns: hasRouters, judge: otherSpeakers},
	{id: "two-active", looks: "only one node is Active", needs: []Area{AreaPackets, AreaDaemon}, concerns: runs, judge: twoActive},
	{id: "address-taken", looks: "nobody but the pair answers for a virtual address", needs: []Area{AreaPackets}, concerns: hasRouters, judge: takenAddresses},
}

func hasRouters(f *Facts) bool { return len(f.Config.Routers) > 0 }

// otherSpeakers judges what was heard of VRRP and CARP.
func otherSpeakers(f *Facts) (list []Finding) {
	var others []string
	for _, ad := range f.Adverts {
		r := f.routerOf(ad)
		switch {
		case r == nil:
			others = append(others, ad.String())
		case ad.CARP:
			list = append(list, carp(f, r, ad))
		case f.ofPeer(r, ad):
			if found, bad := differs(f, r, ad); bad {
				list = append(list, found)
			}
		default:
			list = append(list, taken(f, r, ad))
		}
	}
	if len(others) > 0 {
		list = append(list, Finding{
			Severity: Notice, What: "others speak VRRP or CARP here, with VRIDs of their own", Evidence: others,
			Why: "they do no harm; their VRIDs cannot be given to a router of this pair on that network",
		})
	}
	return list
}

func runs(f *Facts) bool { return f.Daemon != nil && hasRouters(f) }

// twoActive finds the other node's adverts of a router that is Active here. A single one may
// be the end of a handover.
func twoActive(f *Facts) (list []Finding) {
	for _, ad := range f.Adverts {
		r := f.routerOf(ad)
		if r == nil || ad.CARP || ad.Count < 2 || ad.Priority == 0 || !f.ofPeer(r, ad) {
			continue
		}
		i := slices.IndexFunc(f.Daemon.Routers, func(one Router) bool { return one.Name == r.Name && one.State == "ACTIVE" })
		if i < 0 {
			continue
		}
		found := Finding{
			Severity: Fault, What: fmt.Sprintf("router %s is ACTIVE here, and %s sends adverts of it too", r.Name, f.Config.Peer),
			Evidence: []string{fmt.Sprintf("%s, %d times in %s", ad, ad.Count, f.Listened)},
			Why:      "both nodes hold the addresses: clients reach one or the other by chance",
			Advice:   "look what is said of the packet filter, here and on the other node, and why this node does not leave:", Mend: []string{"pairkeeper explain"},
		}
		if f.Daemon.Routers[i].Heard == "" {
			found.Evidence = append(found.Evidence, "they reach this host, but the daemon has heard none of them")
		}
		list = append(list, found)
	}
	return list
}

// routerOf is the router whose VRID an advert has, on its interface.
func (f *Facts) routerOf(ad Advert) *supervisor.Router {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		if r.AdvertsOn() == ad.Interface && int(r.VRRP.VRID) == ad.VRID && r.IPv6() == ad.From.Is6() {
			return r
		}
	}
	return nil
}

// ofPeer tells that an advert is the other node's: by its address or, over IPv6, where that
// is a link-local one that nobody has written down, by what it announces.
func (f *Facts) ofPeer(r *supervisor.Router, ad Advert) bool {
	if slices.Contains(f.peers(r), ad.From) {
		return true
	}
	return ad.From.Is6() && ad.From.IsLinkLocalUnicast() && same(ad.Addresses, addressesOf(r))
}

// peers are the addresses that the other node may send from.
func (f *Facts) peers(r *supervisor.Router) (list []netip.Addr) {
	if r.Peer.IsValid() {
		list = append(list, r.Peer)
	}
	if other := f.Config.Heartbeat.Other; other.IsValid() {
		list = append(list, other)
	}
	for _, p := range r.Format.Peers {
		list = append(list, p.Address)
	}
	return list
}

func addressesOf(r *supervisor.Router) (list []netip.Addr) {
	for _, a := range r.Addresses {
		list = append(list, a.Prefix.Addr())
	}
	return list
}

func same(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

func (ad Advert) String() string {
	kind, id := "VRRP", "VRID"
	if ad.CARP {
		kind, id = "CARP", "VHID"
	} else if ad.Version != 0 {
		kind = fmt.Sprintf("VRRPv%d", ad.Version)
	}
	s := fmt.Sprintf("%s: %s of %s (%s), %s %d", ad.Interface, kind, ad.From, ad.MAC, id, ad.VRID)
	if !ad.CARP {
		s += fmt.Sprintf(", priority %d", ad.Priority)
	}
	if len(ad.Addresses) > 0 {
		s += ", announces " + joined(ad.Addresses)
	}
	return s
}

func joined[T fmt.Stringer](list []T) string {
	var words []string
	for _, one := range list {
		words = append(words, one.String())
	}
	return strings.Join(words, " ")
}

// taken is a stranger with our VRID.
func taken(f *Facts, r *supervisor.Router, ad Advert) Finding {
	free := f.freeVRID(ad.Interface)
	return Finding{
		Severity: Fault,
		What:     fmt.Sprintf("VRID %d of router %s is taken: %s, which is not %s, sends adverts with it", ad.VRID, r.Name, ad.From, f.Config.Peer),
		Evidence: []string{ad.String()},
		Why:      "routers with one VRID take each other for their peer: the one with the lower priority gives its addresses up, or both do so by turns",
		Advice: fmt.Sprintf("give the router another VRID on both nodes, such as vrid: %d, which was not heard; or, if %s is the other node, write its address into nodes:. Then, on both:",
			free, ad.From),
		Mend: []string{"pairkeeper check " + f.File, "pairkeeper reload"},
	}
}

// freeVRID is one that nobody was heard to use, nor the pair has.
func (f *Facts) freeVRID(on string) int {
	used := map[int]bool{}
	for _, ad := range f.Adverts {
		used[ad.VRID] = used[ad.VRID] || ad.Interface == on
	}
	for i := range f.Config.Routers {
		used[int(f.Config.Routers[i].VRRP.VRID)] = true
	}
	for n := 51; n <= 255; n++ {
		if !used[n] {
			return n
		}
	}
	return 1
}

func carp(f *Facts, r *supervisor.Router, ad Advert) Finding {
	found := Finding{
		Severity: Warning,
		What:     fmt.Sprintf("a CARP host, %s, has the number of router %s, %d", ad.From, r.Name, ad.VRID),
		Evidence: []string{ad.String()},
		Why:      "CARP shares VRRP's protocol number and its virtual MAC addresses: adverts are refused, and a virtual_mac would be the same on both",
		Advice:   fmt.Sprintf("give the router another VRID on both nodes, such as vrid: %d. Then, on both:", f.freeVRID(ad.Interface)),
		Mend:     []string{"pairkeeper check " + f.File, "pairkeeper reload"},
	}
	if r.VirtualMAC.Name != "" {
		found.Severity = Fault
		found.Why = "both have the same virtual MAC address: switches send frames for one to the other"
	}
	return found
}

// differs compares the other node's advert with what this node would send.
func differs(f *Facts, r *supervisor.Router, ad Advert) (Finding, bool) {
	found := Finding{Severity: Fault, Evidence: []string{ad.String()}, Advice: "make the configuration the same on both nodes; compare there and here:", Mend: []string{"pairkeeper check --print " + f.File}}
	switch {
	case ad.Version != 0 && ad.Version != int(r.VRRP.Version):
		found.What = fmt.Sprintf("%s speaks VRRPv%d with VRID %d, router %s version %d", f.Config.Peer, ad.Version, ad.VRID, r.Name, r.VRRP.Version)
		found.Why = "the nodes refuse each other's adverts, so that both may hold the addresses"
	case len(ad.Addresses) > 0 && !same(ad.Addresses, addressesOf(r)):
		found.Severity = Warning
		found.What = fmt.Sprintf("%s announces other addresses with VRID %d than router %s has", f.Config.Peer, ad.VRID, r.Name)
		found.Evidence = append(found.Evidence, "here: "+joined(addressesOf(r)))
		found.Why = "what only one node has is lost when the other one takes over"
	default:
		return Finding{}, false
	}
	return found, true
}

// takenAddresses judges who answers for the virtual addresses that are not here.
func takenAddresses(f *Facts) (list []Finding) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		for _, a := range addressesOf(r) {
			if !f.holds(a) {
				list = append(list, takenAddress(f, r, a)...)
			}
		}
	}
	return list
}

func takenAddress(f *Facts, r *supervisor.Router, a netip.Addr) []Finding {
	var peers []string
	for _, p := range f.peers(r) {
		peers = append(peers, f.answered(r.Interface, p)...)
	}
	who := f.answered(r.Interface, a)
	strangers := slices.DeleteFunc(slices.Clone(who), func(mac string) bool { return slices.Contains(peers, mac) || virtualMAC(mac) })
	if len(strangers) == 0 && len(who) < 2 {
		return nil
	}
	found := Finding{
		Severity: Fault,
		What:     fmt.Sprintf("%s, of router %s, is answered for by %s, which is not %s", a, r.Name, strings.Join(strangers, " and "), f.Config.Peer),
		Evidence: []string{fmt.Sprintf("%s: who has %s: %s", r.Interface, a, strings.Join(who, ", ")), peerAnswers(f, peers)},
		Why:      "two hosts with one address: each client reaches the one whose answer it heard last",
		Advice:   "find the host and take the address from it, or choose another one. The port of the switch, where that is a bridge of this host, and what else is known of it:",
	}
	if len(who) > 1 {
		found.What = fmt.Sprintf("%s, of router %s, is answered for by %d hosts: %s", a, r.Name, len(who), strings.Join(who, " and "))
	} else if len(peers) == 0 {
		found.Severity = Warning
		found.What = fmt.Sprintf("%s, of router %s, is answered for by %s; it is not known whether that is %s, which does not answer", a, r.Name, strings.Join(who, ", "), f.Config.Peer)
	}
	for _, mac := range strangers {
		found.Mend = append(found.Mend, "ip neigh show | grep -i "+mac+"; bridge fdb show | grep -i "+mac)
	}
	return []Finding{found}
}

func peerAnswers(f *Facts, macs []string) string {
	if len(macs) == 0 {
		return f.Config.Peer + " does not answer for its own address"
	}
	return f.Config.Peer + " is " + strings.Join(macs, ", ")
}

// answered are the MAC addresses that answered for an address.
func (f *Facts) answered(on string, a netip.Addr) (list []string) {
	for _, one := range f.Answers {
		if one.Interface == on && one.Address == a {
			list = append(list, one.MACs...)
		}
	}
	return list
}

// virtualMAC tells one of RFC 9568 7.3, which says nothing of the host.
func virtualMAC(mac string) bool {
	return strings.HasPrefix(mac, "00:00:5e:00:01:") || strings.HasPrefix(mac, "00:00:5e:00:02:")
}
