package doctor

import (
	"fmt"
	"path"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// linkChecks are about the interfaces and who else configures them.
var linkChecks = []check{
	{id: "interface", looks: "the interfaces are there and up", needs: []Area{AreaLinks}, concerns: hasRouters, judge: interfaces},
	{id: "bridge-snooping", looks: "no bridge beneath keeps VRRP's multicast from an interface", needs: []Area{AreaLinks}, concerns: multicasts, judge: snooping},
	{id: "network-manager", looks: "nobody else takes foreign addresses off the interfaces", needs: []Area{AreaLinks}, concerns: hasRouters, judge: managers},
}

func multicasts(f *Facts) bool {
	return slices.ContainsFunc(f.Config.Routers, func(r supervisor.Router) bool { return !r.Unicast() })
}

func interfaces(f *Facts) (list []Finding) {
	var seen []string
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		for _, name := range []string{r.Interface, r.AdvertsOn()} {
			if slices.Contains(seen, name) {
				continue
			}
			seen = append(seen, name)
			link, there := f.iface(name)
			found := Finding{Severity: Fault, Why: fmt.Sprintf("router %s stays in FAULT on this node", r.Name)}
			switch {
			case !there:
				found.What = fmt.Sprintf("there is no interface %s, which router %s has", name, r.Name)
				found.Evidence = f.names()
				found.Advice, found.Mend = "correct interface: in the file, or make it; those that there are:", []string{"ip -br link"}
			case !link.Up:
				found.What, found.Mend = name+" is down", []string{"ip link set " + name + " up"}
			default:
				continue
			}
			list = append(list, found)
		}
	}
	return list
}

func (f *Facts) names() []string {
	text := "there are"
	for _, i := range f.Interfaces {
		text += " " + i.Name
	}
	return []string{text}
}

// snooping judges a bridge of this host that sends multicast only to the ports that asked
// for it. What goes to 224.0.0.0/24 is sent to all; of IPv6 only what goes to ff02::1 is.
func snooping(f *Facts) (list []Finding) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		link, _ := f.iface(r.AdvertsOn())
		b := link.Bridge
		if r.Unicast() || b == nil || !b.Snooping || b.Querier {
			continue
		}
		found := Finding{
			Severity: Notice, What: fmt.Sprintf("the bridge %s, beneath %s of router %s, snoops multicast and asks nobody for membership", b.Name, r.AdvertsOn(), r.Name),
			Evidence: []string{b.Name + ": multicast_snooping 1, multicast_querier 0"},
			Why:      "Linux floods VRRP's group of IPv4 all the same; where the bridge's hardware does the work it may not",
			Mend:     []string{"ip link set " + b.Name + " type bridge mcast_querier 1"},
		}
		if r.IPv6() {
			found.Severity = Warning
			found.Why = "where another querier falls silent or its queries do not come here, memberships of ff02::12 end, and with them the adverts: both nodes hold the addresses"
		}
		list = append(list, found)
	}
	return list
}

func managers(f *Facts) (list []Finding) {
	for _, m := range f.Managers {
		for i := range f.Config.Routers {
			r := &f.Config.Routers[i]
			if m.Keeps || r.Interface != m.Interface && r.Holder() != m.Interface {
				continue
			}
			list = append(list, managed(m, r))
			break
		}
	}
	return list
}

func managed(m Manager, r *supervisor.Router) Finding {
	found := Finding{
		Severity: Warning, What: fmt.Sprintf("%s configures %s, which holds the addresses of router %s", m.Name, m.Interface, r.Name), Evidence: []string{m.File},
		Why: "when it configures the interface anew it removes addresses that it did not put there; pairkeeper puts them back, but connections may be cut",
	}
	if m.Name == NetworkManager {
		found.Advice = "its `nmcli connection up` and `device reapply` do so; avoid them on an Active node"
		found.Severity = Notice
		if m.Interface == r.VirtualMAC.Name {
			found.Severity = Warning
			found.Advice = ""
			found.Mend = []string{dropIn("/etc/NetworkManager/conf.d", "60-pairkeeper.conf", "[keyfile]\\nunmanaged-devices+=interface-name:"+m.Interface+"\\n"), "nmcli general reload conf"}
		}
		return found
	}
	found.Mend = []string{
		dropIn("/etc/systemd/network/"+path.Base(m.File)+".d", "60-pairkeeper.conf", "[Network]\\nKeepConfiguration=yes\\n"), "networkctl reload",
	}
	return found
}

// The managers.
const (
	Networkd       = "systemd-networkd"
	NetworkManager = "NetworkManager"
)
