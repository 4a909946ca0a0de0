//go:build linux

package interop

import (
	"fmt"
	"strings"
	"time"
)

// Instance is keepalived's side of a virtual router, as its configuration says it.
type Instance struct {
	Name      string // VI unless it is set
	Version   int    // 2 or 3
	Interface string
	VRID      int
	Priority  int
	Interval  time.Duration // of the adverts; whole seconds in version 2
	Addresses []string      // with prefix length
	AuthType  string        // PASS or AH, version 2 only
	AuthPass  string
	Extra     string // more lines of the instance: nopreempt, …
}

// Config is a complete keepalived.conf(5) with this instance.
func (i Instance) Config() string { return keepalivedConf("", i) }

// keepalivedConf is a complete keepalived.conf(5); global are more lines of global_defs.
func keepalivedConf(global string, instances ...Instance) string {
	var b strings.Builder
	b.WriteString("global_defs {\n\tscript_user root\n" + indented("\t", global) + "}\n")
	for _, i := range instances {
		i.write(&b)
	}
	return b.String()
}

func (i Instance) name() string {
	if i.Name == "" {
		return "VI"
	}
	return i.Name
}

func (i Instance) write(b *strings.Builder) {
	fmt.Fprintf(b, "vrrp_instance %s {\n\tstate BACKUP\n\tversion %d\n\tinterface %s\n\tvirtual_router_id %d\n", i.name(), i.Version, i.Interface, i.VRID)
	fmt.Fprintf(b, "\tpriority %d\n\tadvert_int %g\n", i.Priority, i.Interval.Seconds())
	if i.AuthType != "" {
		fmt.Fprintf(b, "\tauthentication {\n\t\tauth_type %s\n\t\tauth_pass %s\n\t}\n", i.AuthType, i.AuthPass)
	}
	b.WriteString(indented("\t", i.Extra))
	fmt.Fprintf(b, "\tvirtual_ipaddress {\n\t\t%s\n\t}\n}\n", strings.Join(i.Addresses, "\n\t\t"))
}

// indented are the lines of a text, if there are any, behind a margin.
func indented(margin, lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		b.WriteString(margin + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

// syncGroup is a vrrp_sync_group of instances, for the end of a configuration.
func syncGroup(instances ...Instance) string {
	var names []string
	for _, i := range instances {
		names = append(names, i.name())
	}
	return "vrrp_sync_group G {\n\tgroup {\n\t\t" + strings.Join(names, "\n\t\t") + "\n\t}\n}\n"
}
