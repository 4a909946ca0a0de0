package onlooker

import (
	"testing"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const (
	vip = "10.99.0.3"
	nic = "eth0"
)

func TestCensusSeesTwoHolders(t *testing.T) {
	for _, tc := range []struct {
		name         string
		first, other string
		two          bool
	}{
		{"nobody", "10.99.0.5/24", "10.99.0.6/24", false},
		{"one", vip + "/24", "10.99.0.6/24", false},
		{"both", vip + "/24", vip + "/24", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lab := netlab.New(t)
			lab.Host("lb01", tc.first)
			lab.Host("lb02", tc.other)
			var c *census
			lab.Host("client", "10.99.0.100/24").Do(func() {
				var err error
				if c, err = openCensus(nic, vip); err != nil {
					t.Fatal(err)
				}
			})
			rounds, heard := 0, 0
			for n := range askers {
				if err := c.count(n); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range c.rounds {
				if len(r.holders) > 0 {
					heard++
				}
				if len(r.holders) > 1 {
					rounds++
				}
			}
			if (rounds > 0) != tc.two {
				t.Errorf("two answered in %d of %d rounds", rounds, askers)
			}
			if (heard > 0) != (tc.first == vip+"/24") {
				t.Errorf("somebody answered in %d of %d rounds", heard, askers)
			}
		})
	}
}
