//go:build linux

package vmlab

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// modules are the kernel's modules that the machine has, as patterns of their names; what
// they depend on comes with them. One that is built in, or that this kernel does not
// have, is none of the base.
var modules = []string{
	"ip_vs*", "nf_*", "nft_*", "nfnetlink*", "xt_*", "x_tables", "ip_tables", "ip6_tables", "iptable_*", "ip6table_*",
	"dummy", "veth", "bridge", "br_netfilter", "macvlan", "8021q", "tun", "ifb",
	"ipip", "sit", "ip_gre", "ip6_gre", "ip6_tunnel", "gre", "fou", "fou6",
	"sch_*", "cls_*", "act_*", "sctp", "crc32c*", "libcrc32c", "af_packet", "packet_diag", "inet_diag", "tcp_diag",
}

// indispensable are those without which the tests cannot be what they are.
var indispensable = []string{"ip_vs", "ip_vs_rr", "nf_conntrack", "nf_tables", "dummy", "veth", "bridge", "macvlan", "tun", "ipip", "ip_gre", "fou", "sch_netem"}

// moduleFiles are the files of the wanted modules and their dependencies, relative to
// the directory, by the modules.dep in it.
func moduleFiles(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return nil, err
	}
	builtin, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(builtin)) {
		have[moduleName(line)] = true
	}
	var files []string
	for line := range strings.Lines(string(text)) {
		file, needs, _ := strings.Cut(line, ":")
		if wanted(moduleName(file)) {
			have[moduleName(file)] = true
			files = append(append(files, file), strings.Fields(needs)...)
		}
	}
	for _, m := range indispensable {
		if !have[m] {
			return nil, fmt.Errorf("%s: this kernel has no module %s", dir, m)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

func wanted(name string) bool {
	return slices.ContainsFunc(modules, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// moduleName is the name of a module by its file: of kernel/net/ipv4/ip-gre.ko.xz, ip_gre.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(strings.TrimSpace(file)), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
