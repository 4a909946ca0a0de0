package probesnet

import (
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/probes"
)

func TestAnInterfaceIsLookedAt(t *testing.T) {
	lab := netlab.New(t)
	a := lab.Host("a", "10.0.0.5/24")
	look := func(carrier, ok bool, want string) {
		t.Helper()
		a.Do(func() {
			if r := lookHere(t, probes.Interface{Name: "eth0", Carrier: carrier}, long); r.OK != ok || r.Detail != "interface eth0 "+want {
				t.Errorf("%+v, want %v %q", r, ok, want)
			}
		})
	}
	look(true, true, "is up")
	look(false, true, "is switched on")
	a.Cable("eth0").Cut()
	look(true, false, "has no carrier")
	look(false, true, "is switched on")
	a.Cable("eth0").Join()
	on := func(do func(netlink.Link) error) {
		t.Helper()
		a.Do(func() {
			link, err := netlink.LinkByName("eth0")
			if err == nil {
				err = do(link)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	on(netlink.LinkSetDown)
	look(true, false, "is switched off")
	look(false, false, "is switched off")
	on(netlink.LinkDel)
	look(true, false, "does not exist")
}
