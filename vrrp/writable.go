package vrrp

import (
	"fmt"
	"net/netip"
)

// writable says what keeps an advert from being expressed in this Format.
func (f Format) writable(ad *Advert, env Envelope) error {
	if f.Version != V2 && f.Version != V3 {
		return fmt.Errorf("there is no VRRP version %d: use 2 or 3", f.Version)
	}
	if err := f.writableInterval(ad); err != nil {
		return err
	}
	if err := f.Auth.writable(f.Version, ad.Sequence); err != nil {
		return err
	}
	if err := f.writableAddresses(ad.Addresses); err != nil {
		return err
	}
	return f.writableEnvelope(ad.Addresses[0], env)
}

func (f Format) writableInterval(ad *Advert) error {
	if f.Version == V2 {
		return writableIntervalV2(ad.Interval)
	}
	return writableIntervalV3(ad.Interval)
}

func (f Format) writableAddresses(addrs []netip.Addr) error {
	switch n := len(addrs); {
	case n == 0:
		return fmt.Errorf("no addresses: an advert carries at least one")
	case n > maxAddresses:
		return fmt.Errorf("%d addresses: an advert carries at most %d; use a second virtual router", n, maxAddresses)
	}
	for i, a := range addrs {
		switch {
		case !a.IsValid():
			return fmt.Errorf("address %d of %d is empty", i+1, len(addrs))
		case a.Is4() != addrs[0].Is4():
			return fmt.Errorf("addresses %s and %s are of two families: use a virtual router for each", addrs[0], a)
		case f.Version == V2 && !a.Is4():
			return fmt.Errorf("address %s: VRRPv2 carries only IPv4 addresses; use version 3", a)
		}
	}
	return nil
}

func (f Format) writableEnvelope(first netip.Addr, env Envelope) error {
	what := "checksum"
	switch {
	case f.Auth.Type == AuthAH || f.signsHMAC():
		what = "authentication"
	case !f.hasPseudo(first):
		return nil
	}
	family := "IPv6"
	if first.Is4() {
		family = "IPv4"
	}
	if size, _ := f.addressLen(env); size*8 != first.BitLen() {
		return fmt.Errorf("source %s, destination %s: the %s needs both, and both %s as address %s is",
			env.Source, env.Destination, what, family, first)
	}
	if f.Auth.Type == AuthAH && env.ID == 0 {
		return fmt.Errorf("identification 0: the kernel would replace it, and the authentication covers it")
	}
	return nil
}
