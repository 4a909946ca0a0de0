package vrrpnet

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The capabilities that this package asks for (capabilities(7)).
const (
	capNetRaw   = "CAP_NET_RAW"
	capNetAdmin = "CAP_NET_ADMIN"
)

// MissingCapability tells that the kernel refused for want of a capability.
type MissingCapability struct {
	Name string // as in capabilities(7)
	Err  error
}

func (e *MissingCapability) Error() string {
	return fmt.Sprintf("%s is missing: run as root, or give the service AmbientCapabilities=%s", e.Name, e.Name)
}

func (e *MissingCapability) Unwrap() error { return e.Err }

// explain names the capability that would have helped, if that is what err is about.
func explain(err error, capability string) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return &MissingCapability{Name: capability, Err: err}
	}
	return err
}
