//go:build linux

package interop

import (
	"fmt"
	"strings"
	"time"
)

// Instance is keepalived's side of a virtual router, as its configuration says it.
type Instance struct {
	Version   int // 2 or 3
	Interface string
	VRID      int
	Priority  int
	Interval  time.Duration // of the adverts; whole seconds in version 2
	Addresses []string      // with prefix length
	AuthPass  string        // auth_type PASS, version 2 only
	Extra     string        // more lines of the instance: nopreempt, …
}

// Config is a complete keepalived.conf(5) with this instance.
func (i Instance) Config() string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n\tscript_user root\n\tvrrp_version %d\n}\n", i.Version)
	fmt.Fprintf(&b, "vrrp_instance VI {\n\tstate BACKUP\n\tinterface %s\n\tvirtual_router_id %d\n", i.Interface, i.VRID)
	fmt.Fprintf(&b, "\tpriority %d\n\tadvert_int %g\n", i.Priority, i.Interval.Seconds())
	if i.AuthPass != "" {
		fmt.Fprintf(&b, "\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass %s\n\t}\n", i.AuthPass)
	}
	for line := range strings.Lines(i.Extra) {
		fmt.Fprintf(&b, "\t%s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&b, "\tvirtual_ipaddress {\n\t\t%s\n\t}\n}\n", strings.Join(i.Addresses, "\n\t\t"))
	return b.String()
}
