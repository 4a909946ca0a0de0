package config

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

func TestEachPortOfAVirtualServerIsAService(t *testing.T) {
	c, err := parse(t, read(t, "testdata/valid-virtual-servers.yaml")).For("lb01")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range c.Balance.Services {
		fmt.Fprintf(&b, "%s: %s: %s, with %q\n", s.Pool.Name, s.Pool.Key, s.Pool.Options, s.Router)
		for i, r := range s.Pool.Servers {
			fmt.Fprintf(&b, "  %s, inhibit %v, %d checks\n", r.Server, r.Inhibit, len(s.Checks[i]))
			if r.Checks != len(s.Checks[i]) {
				t.Errorf("%s is said to have %d checks", r.Server, r.Checks)
			}
		}
		if s.Pool.Sorry.Address.IsValid() {
			fmt.Fprintf(&b, "  sorry %s\n", s.Pool.Sorry)
		}
	}
	const want = `10.0.0.3:80: tcp 10.0.0.3:80: wlc, with "front"
  10.0.0.11:80 dr weight 1, inhibit false, 1 checks
  10.0.0.12:80 dr weight 1, inhibit false, 1 checks
web:80: tcp 10.0.0.4:80: mh mh-fallback mh-port persistent 5m0s /24, with "front6"
  10.0.0.11:80 nat weight 10 connections 800..1000, inhibit true, 15 checks
  10.0.0.12:80 nat weight 20, inhibit false, 1 checks
  10.0.0.13:80 dr weight 0, inhibit true, 15 checks
  10.0.0.14:80 tunnel gue 6080 weight 1, inhibit true, 15 checks
  sorry 10.0.0.4:8080 nat weight 1
web:443: tcp 10.0.0.4:443: mh mh-fallback mh-port persistent 5m0s /24, with "front6"
  10.0.0.11:443 nat weight 10 connections 800..1000, inhibit true, 15 checks
  10.0.0.12:443 nat weight 20, inhibit false, 1 checks
  10.0.0.13:443 dr weight 0, inhibit true, 15 checks
  10.0.0.14:443 tunnel gue 6080 weight 1, inhibit true, 15 checks
  sorry 10.0.0.4:8080 nat weight 1
dns: udp 10.0.0.3:53: rr one-packet, with "front"
  10.0.0.11:5353 nat weight 1, inhibit false, 2 checks
  10.0.0.12:53 nat weight 1, inhibit false, 2 checks
  sorry 10.0.0.9:5300 nat weight 1
[fd00::3]:80: tcp [fd00::3]:80: wlc, with "front6"
  [fd00::11]:80 tunnel gre weight 1, inhibit false, 1 checks
  10.0.0.11:80 tunnel ipip weight 1, inhibit false, 1 checks
fwmark-7: fwmark 7 IPv6: sh sh-port persistent 1m0s, with ""
  [fd00::11]:0 dr weight 1, inhibit false, 1 checks
  [fd00::12]:8080 dr weight 1, inhibit false, 1 checks
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACheckLooksAtTheServerItIsOf(t *testing.T) {
	c, err := parse(t, read(t, "testdata/valid-virtual-servers.yaml")).For("lb01")
	if err != nil {
		t.Fatal(err)
	}
	i := c.Balance.Find(ipvs.Key{Protocol: ipvs.TCP, Address: netip.MustParseAddrPort("10.0.0.4:443")})
	s := c.Balance.Services[i]
	var got []string
	for _, check := range s.Checks[0] {
		got = append(got, fmt.Sprintf("%+v", check.At(s.Pool.Servers[0].Server.Address).Check))
	}
	wanted := []string{"10.0.0.11:443", "10.0.0.11:25", "http://10.0.0.11:443/ ", "http://10.0.0.11:8080/healthz?deep=1 ", "https://10.0.0.11:443/ ",
		"http://10.0.0.11:8080/a Also:[http://10.0.0.11:8080/b?c]", "https://10.0.0.11:443/ Also:[https://10.0.0.11:443/healthz]", "http://10.0.0.11:443/motd ",
		"10.0.0.11:443 ", "10.0.0.11:25 ", "10.0.0.11:514 ", "10.0.0.11:443 ", "10.0.0.11", "10.0.0.11 443]", "--host=10.0.0.11]"}
	if len(got) != len(wanted) {
		t.Fatalf("%d checks, want %d", len(got), len(wanted))
	}
	for n, want := range wanted {
		if !strings.Contains(got[n], want) || strings.Contains(got[n], "invalid") {
			t.Errorf("check %d is %s, want %q in it", n, got[n], want)
		}
	}
}
