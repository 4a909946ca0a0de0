package daemon

import (
	"reflect"
	"slices"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

// difference says in words what changes between two configurations.
func difference(old, cfg supervisor.Config) []string {
	changed := []string{}
	if !reflect.DeepEqual(old.Proxy, cfg.Proxy) {
		changed = append(changed, "proxy changed")
	}
	if !reflect.DeepEqual(old.Probes, cfg.Probes) {
		changed = append(changed, "probes changed")
	}
	for _, r := range cfg.Routers {
		i := slices.IndexFunc(old.Routers, func(o supervisor.Router) bool { return o.Name == r.Name })
		switch {
		case i < 0:
			changed = append(changed, "virtual router "+r.Name+" is new")
		case !reflect.DeepEqual(old.Routers[i], r):
			changed = append(changed, "virtual router "+r.Name+" changed")
		}
	}
	for _, o := range old.Routers {
		if !slices.ContainsFunc(cfg.Routers, func(r supervisor.Router) bool { return r.Name == o.Name }) {
			changed = append(changed, "virtual router "+o.Name+" is gone")
		}
	}
	return changed
}
