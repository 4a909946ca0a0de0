package config

import (
	"github.com/pairkeeper/pairkeeper/probes"
)

// readICMP reads icmp:, a host.
func (d *Document) readICMP(v value, p *probe) {
	s, ok := v.text("a host such as 10.0.0.1")
	if !ok {
		return
	}
	if !targetName.MatchString(s) {
		v.errorf("%s is not a host such as 10.0.0.1", show(s))
		return
	}
	d.checkTarget(v, s)
	p.Check, p.Name = probes.ICMP{Host: s}, "icmp:"+s
}
