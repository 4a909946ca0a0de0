package main

import (
	"strings"
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

func TestARealServerIsCheckedWithoutAFile(t *testing.T) {
	netlab.Need(t, "ip")
	h := netlab.New(t).Host("web1", "10.0.0.11/24")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--real-server", "10.0.0.300"}, exitUsage, `--real-server: "10.0.0.300" is not a virtual address such as 10.0.0.3`},
		{[]string{"--real-server", "10.0.0.3", "pairkeeper.yaml"}, exitUsage, "name no file"},
		{[]string{"--real-server", "10.0.0.3"}, exitConfig, "this host: net.ipv4.conf.all.arp_ignore is 0: this host answers who asks for 10.0.0.3 by ARP, and clients come here past the directors: sysctl -w net.ipv4.conf.all.arp_ignore=1; for every boot, the line net.ipv4.conf.all.arp_ignore = 1 in /etc/sysctl.d/60-lvs.conf"},
		{[]string{"--real-server", "10.0.0.3"}, exitConfig, "10.0.0.3 is on no interface of this host"},
	} {
		code, out := callIn(t, h, program(nil, append([]string{"check"}, tt.args...)...))
		if code != tt.code || !strings.Contains(out, tt.want) {
			t.Errorf("%q: exit status %d, %s", tt.args, code, out)
		}
	}
	h.Run("ip", "address", "add", "10.0.0.3/32", "dev", "lo")
	h.Sysctl("net/ipv4/conf/eth0/arp_ignore", "2")
	h.Sysctl("net/ipv4/conf/all/arp_announce", "2")
	if code, out := callIn(t, h, program(nil, "check", "--real-server", "10.0.0.3")); code != 0 {
		t.Errorf("exit status %d, %s", code, out)
	}
}
