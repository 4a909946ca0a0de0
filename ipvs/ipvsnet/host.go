package ipvsnet

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// ReadHost reads what virtual servers depend on, and changes nothing.
func ReadHost() (ipvs.Host, error) {
	h := ipvs.Host{Sysctls: map[string]int{}}
	links, err := netlink.LinkList()
	if err != nil {
		return h, err
	}
	readSysctl(h.Sysctls, "net.ipv4.ip_forward")
	readSysctl(h.Sysctls, "net.ipv6.conf.all.forwarding")
	readConf(h.Sysctls, "all")
	for _, l := range links {
		a := l.Attrs()
		i := ipvs.Interface{
			Name: a.Name, Tunnel: slices.Contains([]string{"ipip", "gre", "sit", "ip6tnl", "ip6gre"}, l.Type()),
			Quiet: a.RawFlags&(unix.IFF_LOOPBACK|unix.IFF_NOARP) != 0,
		}
		list, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			return h, err
		}
		for _, one := range list {
			ip, _ := netip.AddrFromSlice(one.IP)
			bits, _ := one.Mask.Size()
			i.Addresses = append(i.Addresses, netip.PrefixFrom(ip.Unmap(), bits))
		}
		h.Interfaces = append(h.Interfaces, i)
		readConf(h.Sysctls, a.Name)
	}
	if h.Default, err = defaultInterface(links); err != nil {
		return h, err
	}
	_, err = findFamily(familyName)
	h.IPVS = err == nil
	if names, all := schedulersHere(); all {
		h.Schedulers = names
	}
	return h, nil
}

// readConf reads what counts of an interface of IPv4.
func readConf(into map[string]int, iface string) {
	for _, name := range []string{"arp_ignore", "arp_announce", "send_redirects", "rp_filter"} {
		readSysctl(into, "net.ipv4.conf."+strings.ReplaceAll(iface, ".", "/")+"."+name)
	}
}

// readSysctl reads a number, if it is there. In a key, a dot parts and a slash is a dot.
func readSysctl(into map[string]int, key string) {
	path := strings.NewReplacer(".", "/", "/", ".").Replace(key)
	text, err := os.ReadFile(filepath.Join("/proc/sys", path))
	if err != nil {
		return
	}
	if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		into[key] = n
	}
}

// defaultInterface is that of the route to everywhere with the least metric.
func defaultInterface(links []netlink.Link) (string, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Dst: nil}, netlink.RT_FILTER_DST)
	if err != nil {
		return "", err
	}
	name, best := "", -1
	for _, r := range routes {
		at := slices.IndexFunc(links, func(l netlink.Link) bool { return l.Attrs().Index == r.LinkIndex })
		if at >= 0 && (best < 0 || r.Priority < best) {
			name, best = links[at].Attrs().Name, r.Priority
		}
	}
	return name, nil
}
