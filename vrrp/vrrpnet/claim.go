package vrrpnet

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Claim keeps a virtual router to one process of a host: an abstract Unix socket, whose
// name the kernel forgets with the process. It is of the thread's network namespace.
type Claim struct{ fd int }

// NewClaim claims a virtual router of one family on an interface; a second one of the
// host is refused.
func NewClaim(link Link, vrid uint8, ipv6 bool) (*Claim, error) {
	name := fmt.Sprintf("%s/%d", link.Name, vrid)
	if ipv6 {
		name += "/ipv6"
	}
	c, err := claim(name)
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, fmt.Errorf("%s: another pairkeeper on this host runs virtual router %d: stop it", link.Name, vrid)
	case err != nil:
		return nil, fmt.Errorf("%s: claiming virtual router %d: %w", link.Name, vrid, err)
	}
	return c, nil
}

// claim takes a name; EADDRINUSE: another process of the host has it.
func claim(name string) (*Claim, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &Claim{fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "@pairkeeper/" + name}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close gives the virtual router free.
func (c *Claim) Close() error { return unix.Close(c.fd) }
