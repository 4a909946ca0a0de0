package vrrpnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The sysctls that are set, by their numbers in linux/ip.h and linux/ipv6.h.
const (
	confRPFilter    = 8
	confARPFilter   = 13
	confARPAnnounce = 18
	confARPIgnore   = 19

	conf6AcceptRA    = 3
	conf6DisableIPv6 = 26

	genModeNone = 1 // IN6_ADDR_GEN_MODE_NONE
)

// macvlanConf is what a macvlan of an IPv4 router needs (the kernel's ip-sysctl).
// Of rp_filter, arp_ignore and arp_announce the greater of conf/all and the
// interface's own counts.
var macvlanConf = []setting{
	{confARPIgnore, 1},   // answers for its own addresses only, not for the base's
	{confARPAnnounce, 2}, // and asks in their name only
	{confARPFilter, 0},   // the way back leads over the base: it would never answer
	{confRPFilter, 2},    // loose, and more than a strict 1 in conf/all: the same
}

// baseConf is what the base of an IPv4 router has.
type baseConf struct{ ignore, announce uint32 }

// needed is c so that the base leaves the virtual addresses to the macvlan: it does
// not answer ARP for them, and does not ask in their name (RFC 9568 8.1.2).
func (c baseConf) needed() baseConf {
	if !answersForItself(c.ignore) {
		c.ignore = 1
	}
	c.announce = 2
	return c
}

// back is c with the former values where c still has those that were needed.
func (c baseConf) back(former baseConf) baseConf {
	if c.ignore == former.needed().ignore {
		c.ignore = former.ignore
	}
	if c.announce == former.needed().announce {
		c.announce = former.announce
	}
	return c
}

func (c baseConf) settings() []setting {
	return []setting{{confARPIgnore, c.ignore}, {confARPAnnounce, c.announce}}
}

// answersForItself tells whether an interface with this arp_ignore answers for no
// address of another: 3 does so for all but host-only ones, 4 to 7 mean nothing.
func answersForItself(ignore uint32) bool { return ignore == 1 || ignore == 2 || ignore == 8 }

// sysctl4 is an IPv4 sysctl; 0: the interface has none.
func (l *macLink) sysctl4(number uint16) uint32 {
	if int(number) > len(l.inet) {
		return 0
	}
	return l.inet[number-1]
}

func (l *macLink) sysctl6(number uint16) uint32 {
	if int(number) >= len(l.inet6) {
		return 0
	}
	return l.inet6[number]
}

func (l *macLink) conf4() baseConf {
	return baseConf{ignore: l.sysctl4(confARPIgnore), announce: l.sysctl4(confARPAnnounce)}
}

// configure sets the sysctls of m and its base where they differ.
func (a *MACVLANs) configure(m *MACVLAN, l, base *macLink) error {
	var steps []step
	if r, _ := readRecord(l.alias); !m.IPv6 && !r.known {
		steps = append(steps, mark(m, record{base: base.name, known: true, former: base.conf4()}))
	}
	if now := base.conf4(); !m.IPv6 && now != now.needed() {
		steps = append(steps, setConf4("sysctls of "+base.name, base.index, now.needed().settings()...))
	}
	if !m.IPv6 && !l.has(macvlanConf) {
		steps = append(steps, setConf4("sysctls", l.index, macvlanConf...))
	}
	if l.inet6 != nil && l.genMode != genModeNone {
		steps = append(steps, setGenMode(l.index, genModeNone))
	}
	if len(steps) > 0 {
		if err := checkAll(m); err != nil {
			return err
		}
		if err := a.apply(m.Name, steps...); err != nil {
			return err
		}
	}
	return configure6(m, l)
}

func (l *macLink) has(wanted []setting) bool {
	for _, v := range wanted {
		if l.sysctl4(v.number) != v.value {
			return false
		}
	}
	return true
}

// checkAll refuses what conf/all says of every interface and what would keep the
// macvlan from answering, or have the base answer in its stead.
func checkAll(m *MACVLAN) error {
	if m.IPv6 {
		return nil
	}
	for _, c := range []struct {
		name  string
		most  uint64
		means string
	}{
		{"arp_ignore", 2, "interfaces would not answer ARP as the virtual MAC needs it"},
		{"arp_filter", 0, "no ARP request for a virtual address would be answered"},
	} {
		b, err := os.ReadFile("/proc/sys/net/ipv4/conf/all/" + c.name)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if v, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32); err != nil || v > c.most {
			return fmt.Errorf("%s: sysctl net.ipv4.conf.all.%s is %s: %s: set it to %d", m.Name, c.name, strings.TrimSpace(string(b)), c.means, min(c.most, 1))
		}
	}
	return nil
}

// configure6 keeps IPv6 from doing anything by itself on the macvlan. Only /proc/sys
// sets these. The macvlan of an IPv4 router works without, so that it is given up
// there where /proc/sys is read-only.
func configure6(m *MACVLAN, l *macLink) error {
	if l.inet6 == nil {
		if m.IPv6 {
			return fmt.Errorf("%s: IPv6 is not there on it (the kernel's ipv6.disable=1, or an MTU below 1280): an IPv6 router cannot have it", m.Name)
		}
		return nil
	}
	if !m.IPv6 {
		err := setSysctl6(l, "disable_ipv6", conf6DisableIPv6, 1)
		if errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		return err
	}
	return errors.Join(
		setSysctl6(l, "disable_ipv6", conf6DisableIPv6, 0),
		setSysctl6(l, "accept_ra", conf6AcceptRA, 0), // no addresses and no routes but ours
	)
}

func setSysctl6(l *macLink, name string, number uint16, value uint32) error {
	if l.sysctl6(number) == value {
		return nil
	}
	path := filepath.Join("/proc/sys/net/ipv6/conf", l.name, name)
	err := os.WriteFile(path, strconv.AppendUint(nil, uint64(value), 10), 0o644)
	if errors.Is(err, unix.EROFS) {
		return fmt.Errorf("%s: %w: the service needs ReadWritePaths=/proc/sys/net, a container needs the sysctl net.ipv6.conf.default.%s=%d from its start", l.name, err, name, value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, explain(err, capNetAdmin))
	}
	return nil
}
