//go:build linux

package hostlab_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

const keepalivedConf = `vrrp_instance VI {
	state BACKUP
	interface eth0
	virtual_router_id 50
	version 3
	priority %d
	advert_int 0.2
	virtual_ipaddress {
		%s/24
	}
}
`

// A whole pair with keepalived, as pairkeeper will run: the client sees one failover.
func TestClientSeesPeerTakeOverAfterPowerCut(t *testing.T) {
	netlab.Need(t, "keepalived")
	const vip = "10.77.0.100"
	lab := hostlab.New(t, "h1", "h2")
	h1, h2 := lab.Host("h1"), lab.Host("h2")
	h1.Write(t, "/etc/keepalived/keepalived.conf", fmt.Sprintf(keepalivedConf, 150, vip), 0o644)
	h2.Write(t, "/etc/keepalived/keepalived.conf", fmt.Sprintf(keepalivedConf, 100, vip), 0o644)
	h1.Run(t, "systemctl", "start", "keepalived")
	h2.Run(t, "systemctl", "start", "keepalived")
	census, client := lab.Census(t, vip), lab.Client(vip, 5*time.Millisecond)
	client.WaitFor(t, "h1", soon)

	census.Mark()
	client.Mark()
	h1.Crash(t)
	client.WaitFor(t, "h2", soon)
	t.Log(client.Outage())
	t.Log(census)
	if got := client.Hosts(); !slices.Equal(got, []string{"h2"}) && !slices.Equal(got, []string{"h1", "h2"}) {
		t.Errorf("answered by %v", got)
	}
	if got := lab.Holders(t, vip); !slices.Equal(got, []string{"h2"}) {
		t.Errorf("the address is held by %v", got)
	}
	if d := client.Outage().Longest; d < 200*time.Millisecond {
		t.Errorf("a power cut with adverts of 200ms cost only %v", d)
	}
}
