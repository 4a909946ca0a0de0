package proxynet

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
)

// What a proxy says when it cannot have a port, and how it names the address:
//
//	nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)
//	[ALERT] (45) : Binding [/etc/haproxy/haproxy.cfg:16] for frontend web: cannot bind socket (Address already in use) for [0.0.0.0:80]
//	[ALERT] 324/121314 (45) : Starting frontend web: cannot bind socket (Address already in use) [0.0.0.0:80]
var bindFailures = []*regexp.Regexp{
	regexp.MustCompile(`bind\(\) to (\S+) failed \(\d+: ([^)]*)\)`),
	regexp.MustCompile(`cannot bind socket \(([^)]*)\) (?:for )?\[([^\]]*:\d+)\]`),
}

const (
	inUse      = "Address already in use"
	notAddress = "Cannot assign requested address"
)

// bindFailure is an address that a proxy could not have, and the kernel's reason.
type bindFailure struct {
	at     netip.AddrPort
	reason string
}

// bindFailureIn finds the first one in what a proxy said.
func bindFailureIn(words string) (bindFailure, bool) {
	for _, re := range bindFailures {
		for _, m := range re.FindAllStringSubmatch(words, -1) {
			for i := range 2 {
				if at, ok := addrPort(m[1+i]); ok {
					return bindFailure{at, m[2-i]}, true
				}
			}
		}
	}
	return bindFailure{}, false
}

// addrPort reads an address as nginx and HAProxy write it; HAProxy puts no brackets around
// one of IPv6.
func addrPort(s string) (netip.AddrPort, bool) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at, true
	}
	for i := len(s) - 1; i > 0; i-- {
		if s[i] != ':' {
			continue
		}
		a, err := netip.ParseAddr(s[:i])
		port, bad := strconv.ParseUint(s[i+1:], 10, 16)
		return netip.AddrPortFrom(a, uint16(port)), err == nil && bad == nil
	}
	return netip.AddrPort{}, false
}

// hint is what to do about what a proxy said, begun with "; "; empty where nothing is
// known about it. Unit is the proxy's own.
func hint(words, unit string) string {
	f, ok := bindFailureIn(words)
	switch {
	case !ok:
		return ""
	case f.reason == inUse:
		return "; " + heldBy(f.at, unit)
	case f.reason == notAddress:
		return "; " + notHere(f.at)
	}
	return ""
}

// notHere says what to do where a proxy listens on an address that the host does not have.
func notHere(at netip.AddrPort) string {
	key, all := "net.ipv4.ip_nonlocal_bind", "0.0.0.0"
	if at.Addr().Is6() {
		key, all = "net.ipv6.ip_nonlocal_bind", "[::]"
	}
	return fmt.Sprintf("this host does not have %s now, as a virtual address while the other node holds it: have the proxy listen on all addresses (%s:%d), or let it listen on addresses that are not there: sysctl -w %s=1, and the line %s = 1 in /etc/sysctl.d/60-pairkeeper.conf",
		at.Addr(), all, at.Port(), key, key)
}

// heldBy says who has a port.
func heldBy(at netip.AddrPort, unit string) string {
	port := "port " + strconv.Itoa(int(at.Port()))
	h, err := holderOf(at)
	switch {
	case err != nil:
		return fmt.Sprintf("who has %s cannot be told (%v): ss -ltnp 'sport = :%d'", port, err, at.Port())
	case h == nil:
		return port + " is free by now"
	}
	text := port + " is held by " + h.who()
	switch {
	case h.unit == "init.scope":
		return fmt.Sprintf("%s is held by systemd for a socket unit: systemctl list-sockets names it", port)
	case h.unit == unit && unit != "":
		return text + ", left over from the proxy itself: systemctl kill -s KILL " + unit
	case h.isService():
		return text + ": systemctl stop " + h.unit
	case h.pid != 0:
		return fmt.Sprintf("%s: end it, for instance kill %d", text, h.pid)
	}
	return fmt.Sprintf("%s: ss -ltnp 'sport = :%d'", text, at.Port())
}
