package daemon_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

const stranger = "10.0.0.7"

// message builds an advert of the stranger for virtual router 50.
func message(t *testing.T, version vrrp.Version, priority uint8, interval time.Duration, addresses ...string) []byte {
	t.Helper()
	ad := vrrp.Advert{Version: version, VRID: 50, Priority: priority, Interval: interval}
	for _, a := range addresses {
		ad.Addresses = append(ad.Addresses, netip.MustParseAddr(a))
	}
	f := vrrp.Format{Version: version, VRID: 50}
	msg, err := f.Append(nil, &ad, vrrp.Envelope{Source: netip.MustParseAddr(stranger), Destination: vrrp.Group4, TTL: 255})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// Whatever is foreign on the wire moves nobody; it is counted by reason and source, shown
// with its sender and the remedy, and said once.
func TestForeignThingsMoveNobodyAndAreShown(t *testing.T) {
	t.Parallel()
	carp := make([]byte, 36)
	carp[0], carp[1], carp[3] = 0x21, 50, 7
	v2 := strings.Replace(pair, "vrid: 50", "vrid: 50\n    version: 2", 1)
	// Of two owners the one with the higher address stays Active.
	owner := strings.NewReplacer("priority: 150", "priority: 255", "10.0.0.3/24", "10.0.0.8/24", "10.0.0.1,", "10.0.0.8,").Replace(pair)
	for _, c := range []struct {
		reason, conf string
		msg          []byte
		refused      bool
	}{
		{"carp", pair, carp, true},
		{"version", pair, message(t, vrrp.V2, 90, time.Second, vip), true},
		{"foreign-router", pair, message(t, vrrp.V3, 200, 200*time.Millisecond, "10.0.0.77"), false},
		{"interval-refused", v2, message(t, vrrp.V2, 200, 3*time.Second, vip), false},
		{"address-list", pair, message(t, vrrp.V3, 90, 200*time.Millisecond, vip, "10.0.0.4"), false},
		{"lower-advert", pair, message(t, vrrp.V3, 90, 200*time.Millisecond, vip), false},
		{"owner-conflict", owner, message(t, vrrp.V3, 255, 200*time.Millisecond, "10.0.0.8"), false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			lab := netlab.New(t)
			address := "10.0.0.1/24"
			if c.conf == owner {
				address = "10.0.0.8/24"
			}
			n := start(t, lab.Host("lb01", address), "lb01", c.conf)
			n.is("ACTIVE")
			from := lab.Host("stranger", stranger+"/24")
			time.Sleep(1200 * time.Millisecond) // an interval of either version
			moves := n.moves()
			said, times, remedy := "", uint64(0), ""
			find := func(r daemon.RouterStatus) bool {
				if c.refused {
					for _, x := range r.Adverts.Refused {
						if x.Reason == c.reason && x.From == stranger {
							said, times, remedy = " refused ("+c.reason+")", x.Count, x.Remedy
						}
					}
					return times > 4
				}
				for _, x := range r.Remarks {
					if x.Reason == c.reason && x.From == stranger && strings.Contains(x.Detail, stranger) {
						said, times, remedy = " ("+c.reason+")", x.Count, x.Remedy
					}
				}
				return times > 4
			}
			n.await(c.reason, func(r daemon.RouterStatus) bool {
				from.Do(func() { sendRaw(t, c.msg) })
				return find(r)
			})
			if remedy == "" {
				t.Error("no remedy")
			}
			n.says(said)
			if lines := strings.Count(n.log.String(), said); lines != 1 {
				t.Errorf("said %d times within a minute", lines)
			}
			if n.is("ACTIVE"); n.moves() != moves {
				t.Error("it moved")
			}
		})
	}
}
