package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// Cleanup takes away what a dead daemon left: it tells the peer with priority 0, so
// that it need not wait for its timer, and removes the addresses, the macvlans, the gate and what
// it had in IPVS, as the list beside its control socket says. What it does not find, the kernel
// has removed by itself.
func Cleanup(cfg supervisor.Config, socket string, log *slog.Logger) error {
	kernel, err := vrrpnet.OpenAddresses()
	if err != nil {
		return err
	}
	vmacs, err := vrrpnet.OpenMACVLANs()
	if err != nil {
		return errors.Join(err, kernel.Close())
	}
	if err := (bridgeFile{bridgePath(socket)}).remove(); err != nil {
		log.Warn(err.Error(), logbook.As(logbook.Cleaned))
	}
	c := &cleanup{kernel: kernel, vmacs: vmacs, log: log.With(logbook.Node, cfg.Node)}
	var problems []error
	for i := range cfg.Routers {
		if err := c.router(&cfg.Routers[i]); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", cfg.Routers[i].Name, err))
		}
	}
	if len(problems) == 0 { // no address is left that would be open to all
		problems = append(problems, c.gates())
	}
	if !cfg.Balance.KeepOnStop {
		problems = append(problems, c.balance(ownedFile{ownedPath(socket)}))
	}
	return errors.Join(append(problems, vmacs.Close(), kernel.Close())...)
}

// gates removes those of dead daemons.
func (c *cleanup) gates() error {
	removed, err := vrrpnet.CleanUpGates()
	for _, name := range removed {
		c.log.Info("removing the tables "+name+" of nftables that a dead daemon left", logbook.As(logbook.Cleaned))
	}
	return err
}

// balance removes from IPVS what a file names.
func (c *cleanup) balance(f ownedFile) error {
	ours, err := f.read()
	if err != nil || ours.Empty() {
		return err
	}
	kernel, err := ipvsnet.Open()
	if errors.Is(err, ipvsnet.ErrNone) { // and with the module went what it had
		return f.write(ipvs.Owned{})
	}
	if err != nil {
		return err
	}
	defer kernel.Close()
	have, err := kernel.Glance(func(ipvs.Key) ([]ipvs.Server, bool) { return nil, true })
	if err != nil {
		return err
	}
	ops := ipvs.Plan(have, ipvs.Table{}, ours)
	if len(ops) > 0 {
		c.log.Info("removing what a dead daemon left in IPVS: "+summary(ops), logbook.As(logbook.Cleaned))
	}
	if err := kernel.Apply(ops); err != nil {
		return err
	}
	return f.write(ipvs.Owned{})
}

type cleanup struct {
	kernel *vrrpnet.Addresses
	vmacs  *vrrpnet.MACVLANs
	log    *slog.Logger
}

func (c *cleanup) router(r *supervisor.Router) error {
	if r.VRRP.Priority == vrrp.PriorityOwner {
		return nil // the host's own addresses
	}
	base, err := linkOf(r.Interface)
	if err != nil {
		return nil // and with the interface went its addresses
	}
	if err := c.nobodyRuns(r); err != nil {
		return err
	}
	problem := c.addresses(r)
	if m := macvlanOf(r, base); m != nil {
		problem = errors.Join(problem, c.vmacs.Delete(*m))
	}
	return problem
}

// nobodyRuns makes sure that the daemon is dead.
func (c *cleanup) nobodyRuns(r *supervisor.Router) error {
	link, err := linkOf(r.AdvertsOn())
	if err != nil {
		return nil // nobody can
	}
	claim, err := vrrpnet.NewClaim(link, r.VRRP.VRID, r.IPv6())
	if err != nil {
		return err
	}
	return claim.Close()
}

// addresses releases and removes a router's addresses if they are there.
func (c *cleanup) addresses(r *supervisor.Router) error {
	holder, err := linkOf(r.Holder())
	if err != nil {
		return nil
	}
	found, err := c.kernel.List(holder.Index)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(found, func(f vrrpnet.Found) bool { return slices.Contains(r.VRRP.Addresses, f.Prefix.Addr()) }) {
		return nil
	}
	sent := c.release(r)
	c.log.Info(fmt.Sprintf("%s: removing the addresses that a dead daemon left on %s", r.Name, r.Holder()),
		append(fieldsOf(*r, netip.Addr{}), logbook.As(logbook.Cleaned))...)
	return errors.Join(sent, c.kernel.Remove(heldOf(r, holder.Index)))
}

// ahead is how far the counter of a dead daemon's authentication headers may have run
// ahead of the clock that it began with.
const ahead = 10 * time.Second

// release sends priority 0 from where the dead daemon sent.
func (c *cleanup) release(r *supervisor.Router) error {
	link, err := linkOf(r.AdvertsOn())
	if err != nil {
		return err
	}
	found, err := c.kernel.List(link.Index)
	if err != nil {
		return err
	}
	s := newServed(*r)
	have, _, _ := sorted(found)
	s.from = r.Sender(have, func(a netip.Addr) bool { return slices.Contains(r.VRRP.Addresses, a) })
	if r.Format.Auth.Type == vrrp.AuthAH {
		s.sequence = vrrp.NextSequenceAH(0, time.Now().Add(ahead))
	}
	p, err := openPort(link, []*served{s})
	if err != nil {
		return err
	}
	return errors.Join(s.send(p, vrrp.Send{Priority: vrrp.PriorityRelease}), p.close())
}

// sorted tells the addresses that can be used from those that are tried out still, or
// are with somebody else.
func sorted(found []vrrpnet.Found) (usable, tentative, duplicate []netip.Prefix) {
	for _, f := range found {
		switch {
		case f.Duplicate:
			duplicate = append(duplicate, f.Prefix)
		case f.Tentative:
			tentative = append(tentative, f.Prefix)
		default:
			usable = append(usable, f.Prefix)
		}
	}
	return usable, tentative, duplicate
}

func linkOf(name string) (vrrpnet.Link, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return vrrpnet.Link{}, err
	}
	return vrrpnet.Link{Name: iface.Name, Index: iface.Index, MAC: iface.HardwareAddr}, nil
}
