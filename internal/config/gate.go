package config

import (
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// The words of gate.
const (
	gateAuto = "auto"
	gateOff  = "off"
)

// readGate reads gate: whether the kernel shuts who asks for a virtual address out while the
// daemon is not alive.
func (d *Document) readGate(f fields) {
	if v, ok := f.keys["gate"]; ok {
		word, _ := v.one(gateAuto, gateOff)
		d.ungated = word == gateOff
	}
	if !d.ungated && len(d.nodes) == 2 {
		d.checkGate()
	}
}

// gate sizes that of a router. Who has priority 255 may advertise from its address, and is sent
// adverts to it: a gate would keep them out.
func (d *Document) gate(r *supervisor.Router) {
	if !d.ungated && r.VRRP.Priority != vrrp.PriorityOwner {
		r.VRRP.Gate = vrrp.GateFor(r.VRRP.Interval, r.VRRP.DownAdverts)
	}
}

// checkGate warns of adverts that come so often that the gate cannot keep up.
func (d *Document) checkGate() {
	for i := range d.routers {
		r := &d.routers[i]
		v, ok := r.fields.keys["advert_interval"]
		if !ok {
			continue
		}
		for n := range d.nodes {
			c := r.on(d.nodes[n], d.nodes[1-n])
			d.gate(&c)
			if silence := c.VRRP.Silence(c.VRRP.Interval); silence < c.VRRP.Gate {
				v.warnf("%s: %s notices after %s that no adverts come, but the gate of a daemon that hangs shuts after %s at the earliest: until then it waits",
					printDuration(c.VRRP.Interval), d.nodes[n].name, printDuration(silence), printDuration(c.VRRP.Gate))
				break
			}
		}
	}
}

func (d *Document) gateWord() string {
	if d.ungated {
		return gateOff
	}
	return gateAuto
}
