package probesnet

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/pairkeeper/pairkeeper/internal/dialer"
	"github.com/pairkeeper/pairkeeper/probes"
)

// kit is what the lookers of a Runner share.
type kit struct {
	dialer *net.Dialer
	dns    dialer.Dial // to a name server
	table  processTable
	units  *unitBus
}

func newKit() *kit {
	var plain net.Dialer
	k := &kit{dns: plain.DialContext, table: processTable{proc: "/proc"}, units: newUnitBus()}
	k.dialer = dialer.New(func(ctx context.Context, network, address string) (net.Conn, error) {
		return k.dns(ctx, network, address)
	})
	k.dialer.KeepAlive = -1 // no look lasts that long, and each would cost four calls of the kernel
	return k
}

func (k *kit) close() { k.units.close() }

// looker makes the looker of a probe; one that cannot be made fails at every look.
func (k *kit) looker(c probes.Config) looker {
	l, err := k.newLooker(c)
	if err != nil {
		return broken{err}
	}
	return l
}

// newLooker is the table of what looks at what. The error says what makes a probe
// unusable.
func (k *kit) newLooker(c probes.Config) (looker, error) {
	switch check := c.Check.(type) {
	case probes.HTTP:
		return newHTTPProbe(check, c.Timeout, k.dialer)
	case probes.TCP:
		return newTCPProbe(check, c.Timeout, k.dialer)
	case probes.UDP:
		return newUDPProbe(check, c.Timeout, k.dialer)
	case probes.SMTP:
		return &smtpProbe{check, c.Timeout, k.dialer}, nil
	case probes.DNS:
		return newDNSProbe(check, c.Timeout, k.dialer)
	case probes.HAProxy:
		return &haproxyProbe{check, c.Timeout}, nil
	case probes.ICMP:
		return newICMPProbe(check, c.Timeout, k.dialer.Resolver), nil
	case probes.Exec:
		return newExecProbe(check, c.Timeout)
	case probes.File:
		return newFileProbe(check)
	case probes.Process:
		return newProcessProbe(check, &k.table)
	case probes.Interface:
		return interfaceProbe{check}, nil
	case probes.Gateway:
		return gatewayProbe{check, c.Timeout}, nil
	case probes.Unit:
		return newUnitProbe(check, c.Timeout, k.units), nil
	case nil:
		return nil, errors.New("nothing is given to look at")
	}
	return nil, fmt.Errorf("%T cannot be looked at", c.Check)
}

// broken is a probe that cannot be used.
type broken struct{ err error }

func (b broken) look(context.Context) Result { return Result{Detail: b.err.Error()} }

// Usable tells what makes a probe unusable on this host, such as a program that is
// missing.
func Usable(c probes.Config) error {
	k := newKit()
	defer k.close()
	_, err := k.newLooker(c)
	return err
}
