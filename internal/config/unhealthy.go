package config

import "github.com/pairkeeper/pairkeeper/vrrp"

// The policies of when_all_unhealthy.
const (
	policyRelease = "release"
	policyKeep    = "keep"
)

// readPolicy reads when_all_unhealthy: what a node that has failed does while no other
// one is there.
func (d *Document) readPolicy(f fields) {
	v, ok := f.keys["when_all_unhealthy"]
	if !ok {
		return
	}
	word, _ := v.one(policyRelease, policyKeep)
	d.keep = word == policyKeep
	if d.keep && !f.has("proxy") && !f.has("probes") {
		v.warnf("keep has nothing to go by: write proxy: or probes:")
	}
}

// checkPolicy keeps the last resort's priority for it.
func (d *Document) checkPolicy(f fields) {
	v, ok := f.keys["when_all_unhealthy"]
	if !ok || !d.keep {
		return
	}
	for i := range d.routers {
		r := &d.routers[i]
		for _, n := range d.nodes {
			switch r.priority[n.name] {
			case vrrp.PriorityLastResort:
				v.errorf("keep gives a node that has failed the priority 1, which is that of %s: write 2 or more there", n.name)
			case vrrp.PriorityOwner:
				v.warnf("keep has no effect on %s: %s has priority 255, the owner's, which nothing changes (RFC 9568 5.2.4)", r.called(), n.name)
			}
		}
	}
}

func (d *Document) policy() string {
	if d.keep {
		return policyKeep
	}
	return policyRelease
}
