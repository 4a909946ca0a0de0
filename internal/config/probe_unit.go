package config

import (
	"regexp"

	"github.com/pairkeeper/pairkeeper/probes"
)

// anyUnit is the name of a unit of any kind (systemd.unit(5)).
var anyUnit = regexp.MustCompile(`^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]+)?\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$`)

// readUnitProbe reads unit:, the name of a unit.
func (d *Document) readUnitProbe(v value, p *probe) {
	s, ok := v.text("a unit such as postgresql.service")
	switch {
	case !ok:
		return
	case !anyUnit.MatchString(s) || len(s) > maxName:
		v.errorf("%s is not the name of a unit with its suffix, such as postgresql.service", show(s))
		return
	}
	p.Check, p.Name = probes.Unit{Name: s}, s
	p.local = d.proxy != nil && d.proxy.Unit == s
}
