package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// proxyChecks are about the proxy on this node.
var proxyChecks = []check{
	{id: "proxy-unit", looks: "the proxy's unit is there and enabled", needs: []Area{AreaSystemd}, concerns: hasProxyUnit, judge: proxyUnit},
	{id: "proxy-test", looks: "the proxy's configuration passes its test", needs: []Area{AreaTest}, concerns: hasTest, judge: proxyTest},
	{id: "proxy-listens", looks: "the proxy listens on the virtual addresses", needs: []Area{AreaSockets}, concerns: mayListen, judge: proxyListens},
	{id: "nonlocal-bind", looks: "the proxy can be started while the virtual addresses are not here", needs: []Area{AreaKernel}, concerns: servesAddresses, judge: nonlocalBind},
}

func hasProxyUnit(f *Facts) bool    { return f.Config.Proxy.Unit != "" && hasSystemd(f) }
func hasTest(f *Facts) bool         { return len(f.Config.Proxy.Test) > 0 }
func servesAddresses(f *Facts) bool { return f.Config.Proxy.Guarded() && hasRouters(f) }

// mayListen tells that the proxy would be listening: a unit whose state is not known may be
// stopped.
func mayListen(f *Facts) bool {
	return servesAddresses(f) && f.Listeners != nil && (f.Config.Proxy.Unit == "" || hasSystemd(f) && f.Units[f.Config.Proxy.Unit].Active == "active")
}

func proxyUnit(f *Facts) []Finding {
	name := f.Config.Proxy.Unit
	u := f.Units[name]
	found := Finding{Severity: Fault, Evidence: []string{fmt.Sprintf("%s: %s, %s, %s", name, orNone(u.Load), orNone(u.Active), orNone(u.File))}, Why: "a node whose proxy cannot be started stays out of the pair"}
	switch {
	case !u.Exists():
		found.What = "systemd has no unit " + name
		found.Advice, found.Mend = "install the proxy, or correct proxy.unit in "+f.File+". The services that there are:", []string{"systemctl list-unit-files --type=service"}
	case u.Load == "masked":
		found.What, found.Mend = name+" is masked: nothing can start it", []string{"systemctl unmask " + name, "systemctl enable --now " + name}
	case u.Load != "loaded":
		found.What, found.Advice, found.Mend = "systemd cannot load "+name+": "+u.Load, "systemd says why with:", []string{"systemctl status --no-pager " + name}
	case u.File == "disabled":
		found.Severity, found.What = Warning, name+" is not enabled"
		found.Why = "after the next boot it is taken for stopped by an operator, whom pairkeeper obeys: this node stays out"
		found.Mend = []string{"systemctl enable " + name}
	default:
		return nil
	}
	return []Finding{found}
}

func proxyTest(f *Facts) []Finding {
	if f.TestError == "" {
		return nil
	}
	return []Finding{{
		Severity: Fault, What: "the proxy's configuration on the disk fails its test", Evidence: strings.Split(f.TestError, "\n"),
		Why: "it does no harm until the proxy starts the next time: then it stays down, and this node leaves", Advice: "correct the file that the test names, then test it again:",
		Mend: []string{strings.Join(f.Config.Proxy.Test, " ")},
	}}
}

// proxyListens judges the sockets of the proxy's unit; where there is none, those of all.
func proxyListens(f *Facts) (list []Finding) {
	name := f.Config.Proxy.Unit
	var its []Listener
	for _, l := range f.Listeners {
		if name == "" || l.Unit == name {
			its = append(its, l)
		}
	}
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		for _, a := range addressesOf(r) {
			if !f.balanced(a) && !slices.ContainsFunc(its, func(l Listener) bool { return l.reaches(a) }) {
				list = append(list, deaf(f, r, a, its))
			}
		}
	}
	return list
}

// balanced tells that the kernel distributes what comes for an address.
func (f *Facts) balanced(a netip.Addr) bool {
	return slices.ContainsFunc(f.Config.Balance.Services, func(s supervisor.VirtualServer) bool { return s.Pool.Key.Address.Addr() == a })
}

// reaches tells that a socket gets connections to an address.
func (l Listener) reaches(a netip.Addr) bool {
	at := l.At.Addr()
	switch {
	case at == a:
		return true
	case at.IsUnspecified() && at.Is4() == a.Is4():
		return true
	}
	return at.IsUnspecified() && at.Is6() && !l.V6Only
}

func deaf(f *Facts, r *supervisor.Router, a netip.Addr, its []Listener) Finding {
	p := &f.Config.Proxy
	found := Finding{
		Severity: Fault, What: fmt.Sprintf("%s does not listen on %s, of router %s", p.Name(), a, r.Name),
		Why:    "while this node holds the address, clients are refused",
		Advice: "have it listen on all addresses: in nginx `listen 80;`, for IPv6 `listen [::]:80;`; in HAProxy `bind :80`, for IPv6 `bind :::80`. Then restart it: a reload fails where a socket that it has is in the new one's way:",
	}
	for _, l := range its {
		found.Evidence = append(found.Evidence, fmt.Sprintf("it listens on %s%s", l.At, l.suffix()))
	}
	if len(its) == 0 {
		found.Evidence = []string{"it has no listening TCP socket at all"}
	}
	if len(p.Test) > 0 {
		found.Mend = append(found.Mend, strings.Join(p.Test, " "))
	}
	if p.Unit != "" {
		found.Mend = append(found.Mend, "systemctl restart "+p.Unit)
	}
	return found
}

func (l Listener) suffix() string {
	s := ""
	if l.V6Only && l.At.Addr().IsUnspecified() {
		s = ", for IPv6 only"
	}
	if l.Who != "" && l.Unit == "" {
		s += " (" + l.Who + ")"
	}
	return s
}

// nonlocalBind judges the lines that bind a virtual address.
func nonlocalBind(f *Facts) (list []Finding) {
	for _, b := range f.Bindings {
		key := "net.ipv4.ip_nonlocal_bind"
		if b.Addr.Is6() {
			key = "net.ipv6.ip_nonlocal_bind"
		}
		if f.Sysctls[key] != "0" {
			continue
		}
		list = append(list, Finding{
			Severity: Fault, What: fmt.Sprintf("the proxy binds %s, and cannot be started while the other node holds it", b.Addr),
			Evidence: []string{fmt.Sprintf("%s:%d", b.File, b.Line), key + " = 0"},
			Why:      "on a Backup the proxy is down, so that it cannot take over",
			Advice:   "have it listen on all addresses, or let it bind what is not here:", Mend: setSysctl(key, "1"),
		})
	}
	return list
}
