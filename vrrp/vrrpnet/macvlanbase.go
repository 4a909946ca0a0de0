package vrrpnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const noVirtualMAC = "name another interface, or do without the virtual MAC"

// suits tells why a macvlan on base would be refused, or be deaf.
func suits(m *MACVLAN, base *macLink) error {
	refused := func(why string) error {
		return fmt.Errorf("%s: %s %s: it cannot have a virtual MAC: %s", m.Name, base.name, why, noVirtualMAC)
	}
	switch {
	case base.hardware != unix.ARPHRD_ETHER || base.flags&unix.IFF_LOOPBACK != 0:
		return refused("is not an Ethernet interface")
	case base.kind == kindMACVLAN || base.kind == "macvtap":
		return refused("is itself a macvlan, and the kernel would take the interface below it")
	case base.kind == "ipvlan":
		return refused("is an ipvlan, which hears only its interface's own MAC address")
	case wireless("/sys/class/net", base.name):
		return refused("is a wireless interface, and an access point lets no second MAC address in")
	}
	return nil
}

// wireless tells whether cfg80211 knows the interface.
func wireless(sys, name string) bool {
	_, err := os.Stat(filepath.Join(sys, name, "phy80211"))
	return err == nil
}

// blameBase says what the kernel means when it does not make a macvlan.
func blameBase(err error, base *macLink) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	switch errno {
	case unix.EBUSY:
		if base.master != 0 {
			return fmt.Errorf("%w: %s is a port of interface number %d (a bridge or a bond): put the router on that one", err, base.name, base.master)
		}
		return fmt.Errorf("%w: another program takes all frames of %s: %s", err, base.name, noVirtualMAC)
	case unix.EOPNOTSUPP:
		return fmt.Errorf("%w: the kernel has no macvlan: modprobe macvlan, or do without the virtual MAC", err)
	case unix.EEXIST:
		return fmt.Errorf("%w: somebody made an interface of this name meanwhile", err)
	}
	return err
}
