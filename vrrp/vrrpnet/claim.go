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
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: claiming virtual router %d: %w", link.Name, vrid, err)
	}
	c := &Claim{fd: fd}
	name := fmt.Sprintf("@pairkeeper/%s/%d", link.Name, vrid)
	if ipv6 {
		name += "/ipv6"
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: name})
	if errors.Is(err, unix.EADDRINUSE) {
		err = fmt.Errorf("%s: another pairkeeper on this host runs virtual router %d: stop it", link.Name, vrid)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close gives the virtual router free.
func (c *Claim) Close() error { return unix.Close(c.fd) }
