//go:build linux

package vm

import (
	"slices"
	"testing"

	"github.com/moby/ipvs"

	"github.com/pairkeeper/pairkeeper/internal/netlab"
)

// alternating is what a round robin over two servers answers, whoever comes first.
func alternating(names []string) bool {
	for i, name := range names {
		if name != "rs1" && name != "rs2" || i > 0 && name == names[i-1] {
			return false
		}
	}
	return len(names) > 1
}

func TestTranslatedConnectionsAlternateBetweenServers(t *testing.T) {
	s := newTranslatedSite(t)
	s.lead(s.directors[0])
	s.translate(s.directors[0])
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}
	table := handle(t, s.directors[0])
	if err := table.DelDestination(tcpService(vip, 80, "rr"), server("10.0.0.21", 80, ipvs.ConnFwdMasq)); err != nil {
		t.Fatal(err)
	}
	if got := s.ask(3); !slices.Equal(got, []string{"rs2", "rs2", "rs2"}) {
		t.Errorf("with one server left, %v answered", got)
	}
}

func TestRoutedConnectionsAlternateBetweenServers(t *testing.T) {
	s := newRoutedSite(t)
	s.lead(s.directors[1])
	table := handle(t, s.directors[1])
	web := tcpService(vip, 80, "rr")
	if err := table.NewService(web); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"192.0.2.21", "192.0.2.22"} {
		if err := table.NewDestination(web, server(address, 80, ipvs.ConnFwdDirectRoute)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.ask(6); !alternating(got) {
		t.Errorf("round robin answered %v", got)
	}
}

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
