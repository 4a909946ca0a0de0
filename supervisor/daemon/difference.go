package daemon

import (
	"reflect"

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
	if !reflect.DeepEqual(old.Hooks, cfg.Hooks) {
		changed = append(changed, "hooks changed")
	}
	if !reflect.DeepEqual(old.Receivers, cfg.Receivers) {
		changed = append(changed, "notify changed")
	}
	before, after := byName(old.Routers), byName(cfg.Routers)
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		switch o := before[r.Name]; {
		case o == nil:
			changed = append(changed, "virtual router "+r.Name+" is new")
		case !reflect.DeepEqual(o, r):
			changed = append(changed, "virtual router "+r.Name+" changed")
		}
	}
	for i := range old.Routers {
		if name := old.Routers[i].Name; after[name] == nil {
			changed = append(changed, "virtual router "+name+" is gone")
		}
	}
	return changed
}

func byName(routers []supervisor.Router) map[string]*supervisor.Router {
	named := make(map[string]*supervisor.Router, len(routers))
	for i := range routers {
		named[routers[i].Name] = &routers[i]
	}
	return named
}
