package config

import (
	"strings"
	"testing"
)

const metricsPair = "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02: {address: 10.0.0.6, priority: 100}\n" +
	"virtual_routers:\n  - {interface: eth0, vrid: 50, addresses: [10.0.0.3/24]}\n"

func TestMetricsAreOffByDefault(t *testing.T) {
	if m := parse(t, []byte(metricsPair)).MetricsOf("lb01"); m != (Metrics{}) {
		t.Errorf("%+v, want none", m)
	}
}

func TestEachNodeListensWhereTheFileSays(t *testing.T) {
	for _, again := range []bool{false, true} {
		d := parse(t, read(t, "testdata/valid-metrics.yaml"))
		if again {
			d = parse(t, []byte(inFull(t, d)))
		}
		for node, want := range map[string]Metrics{"lb01": {"10.0.0.5:9165", "both"}, "lb02": {"[2001:db8::6]:9165", "both"}} {
			if m := d.MetricsOf(node); m != want {
				t.Errorf("%s, printed %t: %+v, want %+v", node, again, m, want)
			}
		}
	}
}

func TestAPlaceForMetricsThatCannotWorkIsRefused(t *testing.T) {
	for listen, want := range map[string]string{
		"9165":                         "is a number",
		"localhost:9165":               `localhost is not an address: write 127.0.0.1`,
		"10.0.0.5":                     "neither an address with a port",
		"10.0.0.5:http":                "neither an address with a port",
		"run/metrics":                  "neither an address with a port",
		"10.0.0.5:70000":               "the port 70000 is not in 1..65535",
		"10.0.0.5:0":                   "the port 0 is not in 1..65535",
		"10.0.0.3:9165":                "10.0.0.3 is a virtual address",
		"/run/../metrics":              "is not a plain path: write /metrics",
		"/" + strings.Repeat("a", 107): "is 108 bytes long",
	} {
		_, err := Parse("pairkeeper.yaml", []byte(metricsPair+"metrics:\n  listen: "+listen+"\n"))
		if err == nil || !strings.Contains(err.Error(), "metrics.listen: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", listen, err, want)
		}
	}
}
