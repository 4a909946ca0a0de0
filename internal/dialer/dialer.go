// Package dialer connects within the time of a context, the name server's silence
// included.
package dialer

import (
	"context"
	"net"
	"time"
)

// Dial connects to an address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// New returns a dialer that asks name servers over dns; nil: as the system is set up.
func New(dns Dial) *net.Dialer {
	if dns == nil {
		dns = new(net.Dialer).DialContext
	}
	// Go's own resolver heeds a context, the C library's does not.
	return &net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: bounded(dns)}}
}

// bounded has a connection to a name server end with the context: the resolver would wait
// for its answer for seconds after that.
func bounded(dns Dial) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dns(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		}
		return c, err
	}
}
