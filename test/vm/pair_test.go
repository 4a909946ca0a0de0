//go:build linux

package vm

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/moby/ipvs"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/test/interop"
)

// translatedPair is the pair of directors of a translated site: the addresses on both
// sides move together. The adverts leave room for a host that is busy.
const translatedPair = `
nodes:
  dir1: {address: 192.0.2.11, priority: 150}
  dir2: {address: 192.0.2.12, priority: 100}
virtual_routers:
  - {name: front, interface: eth0, vrid: 50, advert_interval: 500ms, addresses: [` + vip + `/24], group: lvs}
  - {name: back, interface: eth1, vrid: 51, advert_interval: 500ms, addresses: [` + inner + `/24], group: lvs}
`

// translate gives a director the table of a translated site.
func (s *site) translate(d *netlab.Host) {
	s.Helper()
	table := handle(s.T, d)
	web := tcpService(vip, 80, "rr")
	if err := table.NewService(web); err != nil {
		s.Fatal(err)
	}
	for _, address := range []string{"10.0.0.21", "10.0.0.22"} {
		if err := table.NewDestination(web, server(address, 80, ipvs.ConnFwdMasq)); err != nil {
			s.Fatal(err)
		}
	}
}

func TestTheServiceSurvivesTheDeathOfADirector(t *testing.T) {
	s := newTranslatedSite(t)
	var directors [2]*interop.Pairkeeper
	for i, d := range s.directors {
		s.translate(d)
		directors[i] = interop.StartPairkeeper(t, d, d.Name, translatedPair)
	}
	await := func(who int, want string) {
		t.Helper()
		for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
			got := fmt.Sprint(directors[who].States())
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s is %s, not %s within %v", s.directors[who].Name, got, want, soon)
			}
		}
	}
	await(0, "[ACTIVE ACTIVE]")
	await(1, "[BACKUP BACKUP]")
	if got := s.ask(4); !alternating(got) {
		t.Errorf("before: round robin answered %v", got)
	}
	client := hostlab.NewClientIn(s.client, netip.MustParseAddrPort(service), 50*time.Millisecond)
	defer client.Stop()
	client.WaitFor(t, "rs1", soon)
	client.Mark()
	directors[0].Kill(t)
	for _, name := range []string{"eth0", "eth1"} {
		s.directors[0].Cable(name).Cut()
	}
	await(1, "[ACTIVE ACTIVE]")
	client.WaitForAnswer(t, soon)
	client.Stop()
	outage := client.Outage()
	t.Log("the client saw:", outage)
	if outage.Failed == 0 {
		t.Error("the client did not see that a director died")
	}
	if got := s.ask(4); !alternating(got) {
		t.Errorf("after: round robin answered %v", got)
	}
}
