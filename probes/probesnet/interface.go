package probesnet

import (
	"context"
	"errors"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/probes"
)

// interfaceProbe asks the kernel about an interface.
type interfaceProbe struct{ cfg probes.Interface }

func (p interfaceProbe) look(ctx context.Context) Result {
	r := Result{Answered: true}
	r.OK, r.Detail = p.judge(ctx)
	r.Detail = "interface " + p.cfg.Name + " " + r.Detail
	return r
}

func (p interfaceProbe) judge(ctx context.Context) (ok bool, detail string) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return false, "cannot be asked for: " + err.Error()
	}
	defer h.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := h.SetSocketTimeout(max(time.Until(end), time.Millisecond)); err != nil {
			return false, "cannot be asked for: " + err.Error()
		}
	}
	link, err := h.LinkByName(p.cfg.Name)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return false, "does not exist"
	}
	if err != nil {
		return false, "cannot be asked for: " + err.Error()
	}
	switch flags := link.Attrs().RawFlags; {
	case flags&unix.IFF_UP == 0:
		return false, "is switched off"
	case !p.cfg.Carrier:
		return true, "is switched on"
	case flags&unix.IFF_LOWER_UP == 0:
		return false, "has no carrier"
	}
	return true, "is up"
}
