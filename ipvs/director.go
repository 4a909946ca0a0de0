package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Duty is one service as a director has it.
type Duty struct {
	Config
	Addresses []netip.Addr // that clients use, also where Key is a mark
	Interface string       // where clients come in; empty: not known
	Always    bool         // the director serves it, too, while the other one is Active
}

// Director says what of a host keeps it from being the director of some services.
func (h *Host) Director(duties []Duty) []Finding {
	if len(duties) == 0 {
		return nil
	}
	list := h.kernel(duties)
	list = append(list, h.forwarding(duties)...)
	for i := range duties {
		d := &duties[i]
		list = append(list, h.redirects(d)...)
		list = append(list, h.paths(d)...)
		list = append(list, h.itself(d)...)
	}
	return once(list)
}

// once leaves out what was said before.
func once(list []Finding) []Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(f Finding) bool {
		text := f.String()
		again := seen[text]
		seen[text] = true
		return again
	})
}

// kernel is about IPVS itself.
func (h *Host) kernel(duties []Duty) (list []Finding) {
	if !h.IPVS {
		list = append(list, lacking("IPVS", "ip_vs", "nothing is balanced, and the service of pairkeeper may not load modules"))
	}
	for _, d := range duties {
		if s := d.Options.Scheduler; len(h.Schedulers) > 0 && !slices.Contains(h.Schedulers, s) {
			f := lacking("scheduler "+s, "ip_vs_"+s, fmt.Sprintf("%s is not served; there are %s", d.Name, strings.Join(h.Schedulers, ", ")))
			list = append(list, f)
		}
	}
	return list
}

func lacking(what, module, breaks string) Finding {
	return Finding{
		What: "the kernel has no " + what, Breaks: breaks, Mend: []string{"modprobe " + module},
		Keep: fmt.Sprintf("for every boot, echo %s >> /etc/modules-load.d/ip_vs.conf", module),
	}
}

// translated are the addresses of the servers whose answers have to pass this host.
func (d *Duty) translated() (list []netip.Addr) {
	for _, r := range d.Servers {
		if r.Server.Forward == NAT {
			list = append(list, r.Server.Address.Addr())
		}
	}
	return list
}

// forwarding: what a server answers is for the client, and only passes through a director
// that translates.
func (h *Host) forwarding(duties []Duty) (list []Finding) {
	for _, family := range []struct {
		is6 bool
		key string
	}{{false, "net.ipv4.ip_forward"}, {true, "net.ipv6.conf.all.forwarding"}} {
		var names []string
		for i := range duties {
			if d := &duties[i]; d.Key.Is6() == family.is6 && len(d.translated()) > 0 && !slices.Contains(names, d.Name) {
				names = append(names, d.Name)
			}
		}
		if len(names) > 0 && h.is(family.key, 0) {
			list = append(list, h.wrong("what the servers of "+strings.Join(names, ", ")+" answer has to pass this host (forward: nat), and is dropped", setting{family.key, 1}))
		}
	}
	return list
}

// redirects: a host that sends packets on over the interface that they came from tells the
// sender of the shorter way. A server that takes it sends its answers untranslated.
func (h *Host) redirects(d *Duty) []Finding {
	at := slices.IndexFunc(d.translated(), func(a netip.Addr) bool { return a.Is4() && h.near(d.Interface, a) })
	if at < 0 {
		return nil
	}
	var both []setting
	for _, iface := range []string{"all", d.Interface} { // one that is 1 is enough
		if key := confKey(iface, "send_redirects"); h.is(key, 1) {
			both = append(both, setting{key, 0})
		}
	}
	if len(both) == 0 {
		return nil
	}
	return []Finding{h.wrong(fmt.Sprintf("the servers of %s are on %s, as the clients are: they are told of the way past this host, on which nobody translates what they answer", d.Name, d.Interface), both...)}
}

// paths: where clients come in over one interface and are answered over another one, strict
// filtering takes their packets for forged.
func (h *Host) paths(d *Duty) []Finding {
	const strict, loose = 1, 2
	if d.Key.Is6() || d.Interface == "" || h.Default == "" || h.Default == d.Interface {
		return nil
	}
	if mode, known := h.greater(d.Interface, "rp_filter"); !known || mode != strict {
		return nil
	}
	f := h.wrong(fmt.Sprintf("clients of %s from other networks come in over %s, and the way to them is over %s: their packets are dropped", d.Name, d.Interface, h.Default),
		setting{confKey(d.Interface, "rp_filter"), loose})
	if all := confKey("all", "rp_filter"); h.is(all, strict) {
		f.What += fmt.Sprintf(" (and %s is 1, the greater one counts)", all)
	}
	return []Finding{f}
}

// itself: a director that is one of the servers gets the other one's packets for the virtual
// address. One that balances them, too, may send them back.
func (h *Host) itself(d *Duty) (list []Finding) {
	for _, r := range d.Servers {
		a := r.Server.Address.Addr()
		if own, _ := h.holding(a); own == nil || r.Server.Forward.Rewrites() {
			continue
		}
		if d.Always && d.Key.Mark == 0 {
			list = append(list, Finding{
				What:   fmt.Sprintf("the server %s of %s is this host, which balances always", a, d.Name),
				Breaks: "what the other director sends here is balanced again, and may go back and forth between the two",
				Mend:   []string{"write when: active, the default"},
				Keep:   "then a director that is not Active has no table, and serves what it is sent",
			})
		}
		list = append(list, h.realServer(d.Addresses, d.Interface)...)
	}
	return list
}
