package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pairkeeper/pairkeeper/internal/config"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// director warns of what keeps this host from directing the virtual servers of a file. On a
// host that is not the node, nothing is looked at.
func director(file *config.File) []config.Error {
	found, err := directing(file)
	if err != nil {
		return []config.Error{{File: "this host", Text: "what virtual_servers needs of it cannot be read: " + err.Error()}}
	}
	var warnings []config.Error
	for _, f := range found {
		warnings = append(warnings, config.Error{File: "this host", Text: f.String()})
	}
	return warnings
}

// directing is what director warns of.
func directing(file *config.File) ([]ipvs.Finding, error) {
	if !file.Here || len(file.Config.Balance.Services) == 0 {
		return nil, nil
	}
	host, err := ipvsnet.ReadHost()
	if err != nil {
		return nil, err
	}
	return host.Director(duties(file.Config)), nil
}

// duties are the services of a node.
func duties(cfg supervisor.Config) []ipvs.Duty {
	var list []ipvs.Duty
	for _, s := range cfg.Balance.Services {
		d := ipvs.Duty{Config: s.Pool, Always: s.Router == ""}
		if a := s.Pool.Key.Address.Addr(); a.IsValid() {
			d.Addresses = []netip.Addr{a}
		}
		for _, r := range cfg.Routers {
			holds := slices.ContainsFunc(d.Addresses, func(a netip.Addr) bool { return slices.Contains(r.VRRP.Addresses, a) })
			if r.Name != s.Router && !holds {
				continue
			}
			d.Interface = r.Holder()
			if s.Pool.Key.Mark != 0 {
				d.Addresses = r.VRRP.Addresses
			}
		}
		list = append(list, d)
	}
	return list
}

// checkRealServer looks at this host as a real server, which has no configuration file.
func checkRealServer(c *cobra.Command, texts []string) error {
	var addresses []netip.Addr
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return failure{exitUsage, fmt.Errorf("--real-server: %q is not a virtual address such as 10.0.0.3", text)}
		}
		addresses = append(addresses, a)
	}
	host, err := ipvsnet.ReadHost()
	if err != nil {
		return failure{exitSoftware, err}
	}
	var problems []error
	for _, f := range host.RealServer(addresses) {
		problems = append(problems, errors.New("this host: "+f.String()))
	}
	if len(problems) > 0 {
		return failure{exitConfig, errors.Join(problems...)}
	}
	fmt.Fprintf(c.OutOrStdout(), "this host: good, it has %s and tells nobody\n", strings.Join(texts, ", "))
	return nil
}
