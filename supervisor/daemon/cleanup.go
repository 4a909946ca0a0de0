package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// Cleanup takes away what a dead daemon left: it tells the peer with priority 0, so
// that it need not wait for its timer, and removes the addresses. What it does not
// find, the kernel has removed by itself.
func Cleanup(cfg supervisor.Config, log *slog.Logger) error {
	kernel, err := vrrpnet.OpenAddresses()
	if err != nil {
		return err
	}
	var problems []error
	for _, r := range cfg.Routers {
		if err := cleanRouter(kernel, r, log); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", r.Name, err))
		}
	}
	return errors.Join(append(problems, kernel.Close())...)
}

func cleanRouter(kernel *vrrpnet.Addresses, r supervisor.Router, log *slog.Logger) error {
	if r.VRRP.Priority == vrrp.PriorityOwner {
		return nil // the host's own addresses
	}
	iface, err := net.InterfaceByName(r.Interface)
	if err != nil {
		return nil // and with the interface went its addresses
	}
	found, err := kernel.List(iface.Index)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(found, func(f vrrpnet.Found) bool { return slices.Contains(r.VRRP.Addresses, f.Prefix.Addr()) }) {
		return nil
	}
	link := vrrpnet.Link{Name: iface.Name, Index: iface.Index, MAC: iface.HardwareAddr}
	sent := sendRelease(link, r, found)
	log.Info(fmt.Sprintf("%s: removing the addresses that a dead daemon left on %s", r.Name, r.Interface))
	return errors.Join(sent, kernel.Remove(heldOf(r, iface.Index)))
}

func sendRelease(link vrrpnet.Link, r supervisor.Router, found []vrrpnet.Found) error {
	p, err := openPort(link, []supervisor.Router{r})
	if err != nil {
		return err
	}
	p.primary = sender(r, found)
	return errors.Join(p.send(r, vrrp.PriorityRelease), p.close())
}

// sender is the address that the dead daemon sent from.
func sender(r supervisor.Router, found []vrrpnet.Found) netip.Addr {
	var first netip.Addr
	for _, f := range found {
		switch a := f.Prefix.Addr(); {
		case a == r.Source:
			return a
		case !first.IsValid() && a.Is4() && !slices.Contains(r.VRRP.Addresses, a):
			first = a
		}
	}
	return first
}
