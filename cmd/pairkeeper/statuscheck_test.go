package main

import (
	"errors"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func TestTheHealthCheckIsGoodWhereTheNodeIsOfUseToThePair(t *testing.T) {
	router := func(state, reason, detail string) daemon.RouterStatus {
		return daemon.RouterStatus{Name: "web-" + state, State: state, Reason: reason, Detail: detail}
	}
	proxy := func(state, problem string) *daemon.ProxyStatus {
		return &daemon.ProxyStatus{Name: "nginx", State: state, Problem: problem}
	}
	active, backup := router("ACTIVE", "", ""), router("BACKUP", "", "")
	for name, c := range map[string]struct {
		proxy   *daemon.ProxyStatus
		routers []daemon.RouterStatus
		want    string
	}{
		"active and backup":       {nil, []daemon.RouterStatus{active, backup}, ""},
		"proxy under restart":     {proxy("settling", "it died"), []daemon.RouterStatus{active}, ""},
		"no router, good proxy":   {proxy("good", ""), nil, ""},
		"no router, no proxy":     {nil, nil, ""},
		"one fault of two":        {nil, []daemon.RouterStatus{active, router("FAULT", "link-down", "eth0 has no carrier")}, "web-FAULT: FAULT (link-down): eth0 has no carrier"},
		"starting":                {nil, []daemon.RouterStatus{router("INIT", "", "")}, "web-INIT: INIT"},
		"no router, proxy is out": {proxy("given-up", "exit 1"), nil, "nginx: given-up: exit 1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkStatus(daemon.Status{Proxy: c.proxy, Routers: c.routers})
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f, ok := errors.AsType[failure](err); !ok || f.code != exitFault || f.Error() != c.want {
				t.Errorf("%v, want %s with exit status 1", err, c.want)
			}
		})
	}
}
