package vrrpnet

import (
	"golang.org/x/sys/unix"
)

// Permitted says which capability the process lacks for sockets and addresses; nil:
// none.
func Permitted() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	for _, need := range []struct {
		bit  uint
		name string
	}{{unix.CAP_NET_RAW, capNetRaw}, {unix.CAP_NET_ADMIN, capNetAdmin}} {
		if data[need.bit/32].Effective&(1<<(need.bit%32)) == 0 {
			return &MissingCapability{Name: need.name, Err: unix.EPERM}
		}
	}
	return nil
}
