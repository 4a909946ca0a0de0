package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

func TestTheConfigurationOfAKnownProxyIsWatchedWhereItLies(t *testing.T) {
	for name, c := range map[string]struct {
		proxy supervisor.Proxy
		want  []string
	}{
		"nginx":                     {supervisor.Proxy{Unit: "nginx.service"}, []string{"/etc/nginx"}},
		"an instance":               {supervisor.Proxy{Unit: "haproxy@main.service"}, []string{"/etc/haproxy"}},
		"a test of the package's":   {supervisor.Proxy{Unit: "haproxy.service", Test: []string{"haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"}}, []string{"/etc/haproxy"}},
		"a file elsewhere":          {supervisor.Proxy{Unit: "haproxy.service", Test: []string{"haproxy", "-c", "-q", "-f", "/srv/lb/haproxy.cfg"}}, []string{"/srv/lb/haproxy.cfg"}},
		"several":                   {supervisor.Proxy{Command: []string{"/usr/sbin/haproxy", "-W", "-f", "/srv/b.cfg", "-f", "/srv/a.cfg"}, Test: []string{"haproxy", "-c", "-f", "/srv/a.cfg"}}, []string{"/srv/a.cfg", "/srv/b.cfg"}},
		"nginx elsewhere":           {supervisor.Proxy{Command: []string{"nginx", "-c", "/srv/nginx.conf"}}, []string{"/srv/nginx.conf"}},
		"a relative path":           {supervisor.Proxy{Command: []string{"haproxy", "-f", "haproxy.cfg"}}, []string{"/etc/haproxy"}},
		"an option without a value": {supervisor.Proxy{Command: []string{"nginx", "-c"}}, []string{"/etc/nginx"}},
		"another one":               {supervisor.Proxy{Unit: "nginxify.service"}, nil},
		"another program":           {supervisor.Proxy{Command: []string{"envoy", "-c", "/etc/envoy.yaml"}}, nil},
	} {
		if got := defaultWatch(&c.proxy); !slices.Equal(got, c.want) {
			t.Errorf("%s: watches %q, want %q", name, got, c.want)
		}
	}
}

func TestSettingsNameEveryValueAndNoSecret(t *testing.T) {
	const small = `nodes:
  lb01: {address: 10.0.0.5, priority: 150}
  lb02: {address: 10.0.0.6, priority: 100}
proxy: {unit: nginx.service, test: [nginx, -t, "a b"]}
virtual_routers:
  - name: web
    interface: eth0
    vrid: 50
    version: 2
    addresses: [10.0.0.3/24]
    auth: {type: pass, password: "hunter2"}
    track: [eth1, {interface: eth1, need: admin}]
`
	got := map[string]string{}
	for _, s := range parse(t, []byte(small)).Settings() {
		if _, twice := got[s.Key]; twice {
			t.Errorf("%s is there twice", s.Key)
		}
		got[s.Key] = s.Value
	}
	want := map[string]string{
		"reload": "auto", "nodes.lb01.priority": "150", "proxy.test": "[nginx, -t, a b]", "proxy.watch": "[/etc/nginx]",
		"virtual_routers[web].vrid": "50", "virtual_routers[web].priority.lb02": "100",
		"virtual_routers[web].addresses[10.0.0.3/24].noprefixroute": "false",
		"virtual_routers[web].auth.password":                        mask,
		"virtual_routers[web].track[eth1].need":                     "carrier",
		"virtual_routers[web].track[eth1#2].need":                   "admin",
	}
	for key := range want {
		if got[key] != want[key] {
			t.Errorf("%s is %q, want %q", key, got[key], want[key])
		}
	}
}

func TestAFileIsMadeOfItselfAndItsSecrets(t *testing.T) {
	d := &Document{routers: []router{
		{secrets: []secret{{file: "/etc/pairkeeper/a.key"}, {credential: "b"}}},
		{secrets: []secret{{file: "/etc/pairkeeper/a.key"}}},
	}}
	if got, want := filesOf("/etc/nginx/pairkeeper.yaml", d), []string{"/etc/nginx/pairkeeper.yaml", "/etc/pairkeeper/a.key"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestATestThatSaysNothingIsWarnedOf(t *testing.T) {
	const file = "nodes:\n  lb01: {address: 10.0.0.5, priority: 150}\n  lb02: {address: 10.0.0.6, priority: 100}\nproxy:\n  unit: haproxy.service\n  test: [haproxy, -c, -q, -f, /etc/haproxy/haproxy.cfg]\n"
	if w := warnings(parse(t, []byte(file))); !strings.Contains(w, "pairkeeper.yaml:6: proxy.test: -q keeps haproxy from saying what is wrong") {
		t.Errorf("warns %q", w)
	}
}
