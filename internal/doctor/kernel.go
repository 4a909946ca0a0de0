package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// kernelChecks are about the kernel's switches and clocks.
var kernelChecks = []check{
	{id: "ipvs", looks: "the kernel has IPVS, and this host can direct the virtual servers", needs: []Area{AreaDirector}, concerns: balances, judge: director},
	{id: "rp-filter", looks: "rp_filter lets in what the other node sends", needs: []Area{AreaKernel, AreaLinks}, judge: reversePath},
	{id: "arp", looks: "arp_ignore and arp_announce have each address answered for on its own interface alone", needs: []Area{AreaKernel, AreaLinks}, concerns: hasRouters, judge: arpSwitches},
	{id: "ipv6", looks: "IPv6 is on where virtual addresses of IPv6 are", needs: []Area{AreaKernel}, concerns: hasIPv6, judge: ipv6Switches},
	{id: "clock", looks: "the clocksource is a good one", needs: []Area{AreaKernel}, judge: clockSource},
}

func balances(f *Facts) bool { return len(f.Config.Balance.Services) > 0 }

func hasIPv6(f *Facts) bool {
	return slices.ContainsFunc(f.Config.Routers, func(r supervisor.Router) bool { return r.IPv6() })
}

// setSysctl are the commands that set a switch now and at every boot.
func setSysctl(key, value string) []string {
	return []string{fmt.Sprintf("sysctl -w %s=%s", key, value), fmt.Sprintf("echo '%s = %s' >> /etc/sysctl.d/60-pairkeeper.conf", key, value)}
}

// conf is a switch of an interface. There may be a dot in the interface's name, so that the
// name of the switch has a slash for it, as sysctl(8) wants it.
func conf(family, iface, key string) string {
	return fmt.Sprintf("net.%s.conf.%s.%s", family, strings.ReplaceAll(iface, ".", "/"), key)
}

// highest is the larger one of the switches of all and of an interface, which is what is in
// force of rp_filter, arp_ignore and arp_announce (ip-sysctl).
func (f *Facts) highest(iface, key string) (value int, evidence []string, known bool) {
	for _, name := range []string{conf("ipv4", "all", key), conf("ipv4", iface, key)} {
		n, err := strconv.Atoi(f.Sysctls[name])
		if err != nil {
			return 0, nil, false
		}
		value = max(value, n)
		evidence = append(evidence, fmt.Sprintf("%s = %d", name, n))
	}
	return value, evidence, true
}

// director passes on what package ipvs finds.
func director(f *Facts) (list []Finding) {
	for _, one := range f.Director {
		list = append(list, Finding{Severity: Fault, What: one.What, Why: one.Breaks, Advice: one.Keep, Mend: one.Mend})
	}
	return list
}

// reversePath judges strict reverse path filtering: what comes in by an interface is dropped
// where the answer would leave by another one.
func reversePath(f *Facts) (list []Finding) {
	for _, i := range f.Interfaces {
		value, evidence, known := f.highest(i.Name, "rp_filter")
		if !known || value != 1 {
			continue
		}
		for _, peer := range f.expected(i.Name) {
			by, routed := i.Routes[peer.addr]
			if !routed || by == i.Name {
				continue
			}
			list = append(list, Finding{
				Severity: Fault, What: fmt.Sprintf("rp_filter on %s drops %s of %s", i.Name, peer.what, peer.addr),
				Evidence: append(slices.Clone(evidence), fmt.Sprintf("the route back to %s is by %s", peer.addr, orNone(by))),
				Why:      "strict reverse path filtering drops what comes in by another interface than the answer would leave by", Mend: setSysctl(conf("ipv4", i.Name, "rp_filter"), "2"),
			})
		}
	}
	return list
}

// expect is what has to come in from an address.
type expect struct {
	addr netip.Addr
	what string
}

func (f *Facts) expected(iface string) (list []expect) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		if r.AdvertsOn() == iface && !r.IPv6() && r.Peer.Is4() {
			list = append(list, expect{r.Peer, "the adverts"})
		}
	}
	for _, l := range f.Config.Heartbeat.Links {
		if l.Peer.Addr().Is4() && f.ifaceOf(l.Local.Addr()) == iface {
			list = append(list, expect{l.Peer.Addr(), "the heartbeat"})
		}
	}
	return list
}

// arpSwitches judges who answers for the virtual addresses of IPv4: the interface that has
// them, and no other one of the same network.
func arpSwitches(f *Facts) (list []Finding) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		if r.IPv6() {
			continue
		}
		list = append(list, silentARP(f, r)...)
		if other, ok := f.beside(r); ok {
			list = append(list, flux(f, r, other)...)
		}
	}
	return list
}

// silentARP finds switches with which nobody answers for a router's addresses.
func silentARP(f *Facts, r *supervisor.Router) []Finding {
	value, evidence, known := f.highest(r.Interface, "arp_ignore")
	if !known {
		return nil
	}
	for _, a := range r.Addresses {
		narrow := value >= 2 && value <= 3 && a.Prefix.IsSingleIP()
		if value != 8 && !narrow {
			continue
		}
		if narrow {
			evidence = append(evidence, "the address is "+a.Prefix.String()+": nobody else is in its network")
		}
		return []Finding{{
			Severity: Fault, What: fmt.Sprintf("arp_ignore on %s has this node answer nobody who asks for %s", r.Interface, a.Prefix.Addr()), Evidence: evidence,
			Why: "neighbours that have not heard the announcement do not find the address", Mend: slices.Concat(setSysctl(conf("ipv4", "all", "arp_ignore"), "1"), setSysctl(conf("ipv4", r.Interface, "arp_ignore"), "1")),
		}}
	}
	return nil
}

// beside is another interface of this node in the network of a router's addresses.
func (f *Facts) beside(r *supervisor.Router) (Interface, bool) {
	for _, i := range f.Interfaces {
		if !i.Up || i.Name == r.Interface || i.Name == r.Holder() || i.Name == "lo" {
			continue
		}
		for _, p := range i.Prefixes {
			for _, a := range r.Addresses {
				if p.Addr().Is4() && p.Contains(a.Prefix.Addr()) && p.Bits() > 0 {
					return i, true
				}
			}
		}
	}
	return Interface{}, false
}

// flux finds that another interface answers for a router's addresses as well.
func flux(f *Facts, r *supervisor.Router, other Interface) []Finding {
	var evidence, mend []string
	for _, one := range []struct {
		key  string
		want int
	}{{"arp_ignore", 1}, {"arp_announce", 2}} {
		value, read, known := f.highest(other.Name, one.key)
		if known && value < one.want {
			evidence = append(evidence, read...)
			mend = append(mend, setSysctl(conf("ipv4", "all", one.key), strconv.Itoa(one.want))...)
		}
	}
	if len(evidence) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: fmt.Sprintf("%s is in the network of router %s too, and answers for its addresses", other.Name, r.Name),
		Evidence: append(evidence, fmt.Sprintf("%s has %s", other.Name, joined(other.Prefixes))),
		Why:      "clients may learn the MAC address of the other interface, past the gate's and the announcements' reach; to the other node it looks like a stranger", Mend: mend,
	}}
}

func ipv6Switches(f *Facts) (list []Finding) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		if !r.IPv6() {
			continue
		}
		key := conf("ipv6", r.Interface, "disable_ipv6")
		if f.Sysctls[key] == "1" {
			list = append(list, Finding{
				Severity: Fault, What: fmt.Sprintf("IPv6 is off on %s, and router %s has addresses of IPv6", r.Interface, r.Name), Evidence: []string{key + " = 1"},
				Why: "the kernel refuses the addresses", Mend: setSysctl(key, "0"),
			})
		}
		key = conf("ipv6", r.Interface, "accept_dad")
		if f.Sysctls[key] == "2" || f.Sysctls[conf("ipv6", "all", "accept_dad")] == "2" {
			list = append(list, Finding{
				Severity: Warning, What: fmt.Sprintf("a duplicate link-local address would switch IPv6 off on %s", r.Interface),
				Evidence: []string{key + " = " + f.Sysctls[key], conf("ipv6", "all", "accept_dad") + " = " + f.Sysctls[conf("ipv6", "all", "accept_dad")]},
				Why:      "after one such clash, as with a frame that a switch sent back, the node has no IPv6 until the interface goes down and up",
				Mend:     slices.Concat(setSysctl(conf("ipv6", "all", "accept_dad"), "1"), setSysctl(key, "1")),
			})
		}
	}
	return list
}

// coarse are clocksources that are slow to read or jump.
var coarse = []string{"jiffies", "refined-jiffies", "acpi_pm", "hpet", "pit"}

func clockSource(f *Facts) []Finding {
	k := f.Kernel
	evidence := []string{"clocksource " + k.Clock}
	switch {
	case slices.Contains(coarse, k.Clock):
		return []Finding{{
			Severity: Warning, What: "the time comes from " + k.Clock, Evidence: evidence, Why: "it is slow to read, or coarse: adverts and the gate's renewals are late",
			Advice: "see why the kernel gave the better one up, and which there are:", Mend: []string{"dmesg | grep -i clocksource", "cat /sys/devices/system/clocksource/clocksource0/available_clocksource"},
		}}
	case k.Virtual != "" && len(f.Config.Heartbeat.Links) == 0 && hasRouters(f):
		return []Finding{{
			Severity: Notice, What: "this is a virtual machine (" + k.Virtual + "), whose clocks stop while it is paused or moved, and there is no heartbeat", Evidence: evidence,
			Why:    "a node that was paused learns from the other node's clock that time has passed, and gives up what it holds; without a heartbeat it believes that nothing happened until it hears an advert",
			Advice: "add a heartbeat to the configuration of both nodes (docs/configuration.md); its key is made with:", Mend: []string{"pairkeeper keygen /etc/pairkeeper/pair.key"},
		}}
	}
	return nil
}
