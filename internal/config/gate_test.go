package config

import (
	"strings"
	"testing"
	"time"
)

func TestGateIsThatOfTheInterval(t *testing.T) {
	const head = "nodes: {lb01: {address: 10.0.0.5, priority: 150}, lb02: {address: 10.0.0.6, priority: 100}}\n"
	routers := func(more string) string {
		return "virtual_routers: [{interface: eth0, vrid: 50, addresses: [10.0.0.3/24], " + more + "}]\n"
	}
	for _, c := range []struct {
		file string
		want [2]time.Duration // on lb01 and on lb02
	}{
		{routers(""), [2]time.Duration{400 * time.Millisecond, 400 * time.Millisecond}},
		{routers("advert_interval: 100ms"), [2]time.Duration{200 * time.Millisecond, 200 * time.Millisecond}},
		{routers("version: 2"), [2]time.Duration{600 * time.Millisecond, 600 * time.Millisecond}},
		{routers("advert_interval: 10ms"), [2]time.Duration{100 * time.Millisecond, 100 * time.Millisecond}},
		{"gate: auto\n" + routers(""), [2]time.Duration{400 * time.Millisecond, 400 * time.Millisecond}},
		{"gate: off\n" + routers(""), [2]time.Duration{}},
		{routers("priority: {lb01: 255}"), [2]time.Duration{0, 400 * time.Millisecond}}, // the owner's addresses are the host's
	} {
		d, err := Parse("pairkeeper.yaml", []byte(head+c.file))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range d.Nodes() {
			cfg, err := d.For(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := cfg.Routers[0].VRRP.Gate; got != c.want[i] {
				t.Errorf("%s on %s: %s, want %s", strings.TrimSpace(c.file), name, got, c.want[i])
			}
		}
	}
}
