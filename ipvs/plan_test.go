package ipvs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var same = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

// web is a service with some servers.
func web(servers ...Server) Service {
	return Service{
		Key:     Key{Protocol: TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")},
		Options: Options{Scheduler: "wrr", Bits: 32}, Servers: servers,
	}
}

func server(last, weight int) Server {
	return Server{Address: netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", last)), Forward: DR, Weight: weight}
}

// lines are some changes, one a line.
func lines(ops []Op) string {
	var b strings.Builder
	for _, op := range ops {
		b.WriteString(op.String() + "\n")
	}
	return b.String()
}

func TestPlanSaysTheSmallestChangeInASafeOrder(t *testing.T) {
	mark := Service{Key: Key{Mark: 7, IPv6: true}, Options: Options{Scheduler: "rr", Bits: 128}}
	edited := web(server(11, 1))
	edited.Options = Options{Scheduler: "sh", Flags: SchedulerFlag2, Persistence: 5 * time.Minute, Bits: 24}
	tunnel := server(11, 1)
	tunnel.Forward, tunnel.Tunnel, tunnel.Upper = Tunnel, Encapsulation{Wrap: GUE, Port: 6080}, 100
	tests := []struct {
		name       string
		have, want Table
		owned      Owned
		ops        string
	}{
		{"nothing", Table{}, Table{}, Owned{}, ""},
		{"a new service has its servers right behind it", Table{}, Table{Services: []Service{web(server(11, 1), server(12, 0)), mark}}, Owned{},
			"add tcp 10.0.0.3:80: wrr\ntcp 10.0.0.3:80: add 10.0.0.11:80 dr weight 1\ntcp 10.0.0.3:80: add 10.0.0.12:80 dr weight 0\nadd fwmark 7 IPv6: rr\n"},
		{"what serves comes before what no longer does", Table{Services: []Service{web(server(11, 1), server(12, 1), server(13, 0))}},
			Table{Services: []Service{web(server(11, 0), server(13, 5), server(14, 2))}}, Owned{},
			"tcp 10.0.0.3:80: edit 10.0.0.13:80 dr weight 5\ntcp 10.0.0.3:80: add 10.0.0.14:80 dr weight 2\n" +
				"tcp 10.0.0.3:80: edit 10.0.0.11:80 dr weight 0\ntcp 10.0.0.3:80: remove 10.0.0.12:80\n"},
		{"another scheduler is an edit", Table{Services: []Service{web(server(11, 1))}}, Table{Services: []Service{edited}}, Owned{},
			"edit tcp 10.0.0.3:80: sh sh-port persistent 5m0s /24\n"},
		{"another way of forwarding is an edit", Table{Services: []Service{web(server(11, 1))}}, Table{Services: []Service{web(tunnel)}}, Owned{},
			"tcp 10.0.0.3:80: edit 10.0.0.11:80 tunnel gue 6080 weight 1 connections 0..100\n"},
		{"what is ours goes, and last", Table{Services: []Service{mark}}, Table{Services: []Service{web()}}, Owned{Services: []Key{mark.Key}},
			"add tcp 10.0.0.3:80: wrr\nremove fwmark 7 IPv6\n"},
		{"what is not ours stays", Table{Services: []Service{mark}}, Table{}, Owned{}, ""},
		{"what is ours and gone already needs nothing", Table{}, Table{}, Owned{Services: []Key{mark.Key}}, ""},
		{"timeouts that are not wanted stay as they are", Table{Timeouts: Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}},
			Table{Timeouts: Timeouts{UDP: time.Minute}}, Owned{}, "set timeouts: tcp 15m0s, tcp fin 2m0s, udp 1m0s\n"},
		{"a sync daemon changes its role", Table{Sync: []Sync{{Backup, 3, "eth0"}}}, Table{Sync: []Sync{{Master, 3, "eth0"}}}, Owned{Sync: []Role{Backup}},
			"stop sync backup\nstart sync master 3 on eth0\n"},
		{"another interface needs another daemon", Table{Sync: []Sync{{Master, 3, "eth0"}}}, Table{Sync: []Sync{{Master, 3, "eth1"}}}, Owned{},
			"stop sync master\nstart sync master 3 on eth1\n"},
		{"somebody else's sync daemon stays", Table{Sync: []Sync{{Backup, 3, "eth0"}}}, Table{}, Owned{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.ops, lines(Plan(tt.have, tt.want, tt.owned))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// tables draws tables of few services with few servers each, so that two have much in
// common.
func tables() *rapid.Generator[Table] {
	return rapid.Custom(func(t *rapid.T) Table {
		table := Table{Timeouts: Timeouts{TCP: time.Minute, TCPFin: time.Minute, UDP: time.Minute}}
		for _, port := range rapid.SliceOfNDistinct(rapid.Uint16Range(80, 84), 0, 4, rapid.ID[uint16]).Draw(t, "ports") {
			table.Services = append(table.Services, services(port).Draw(t, "service"))
		}
		for _, role := range rapid.SliceOfNDistinct(rapid.SampledFrom([]Role{Master, Backup}), 0, 2, rapid.ID[Role]).Draw(t, "roles") {
			table.Sync = append(table.Sync, Sync{role, rapid.Uint8Range(1, 2).Draw(t, "id"), "eth0"})
		}
		return table
	})
}

func services(port uint16) *rapid.Generator[Service] {
	return rapid.Custom(func(t *rapid.T) Service {
		s := web()
		s.Key.Address = netip.AddrPortFrom(s.Key.Address.Addr(), port)
		s.Options.Scheduler = rapid.SampledFrom([]string{"rr", "wrr"}).Draw(t, "scheduler")
		for _, last := range rapid.SliceOfNDistinct(rapid.IntRange(11, 15), 0, 4, rapid.ID[int]).Draw(t, "servers") {
			s.Servers = append(s.Servers, server(last, rapid.IntRange(0, 2).Draw(t, "weight")))
		}
		return s
	})
}

// sorted is a table in an order that does not depend on how it came about.
func sorted(t Table) Table {
	t.Services, t.Sync = slices.Clone(t.Services), slices.Clone(t.Sync)
	slices.SortFunc(t.Services, func(a, b Service) int { return a.Key.Compare(b.Key) })
	slices.SortFunc(t.Sync, func(a, b Sync) int { return int(a.Role) - int(b.Role) })
	for i := range t.Services {
		s := &t.Services[i]
		s.Servers = slices.Clone(s.Servers)
		slices.SortFunc(s.Servers, func(a, b Server) int { return a.Address.Compare(b.Address) })
	}
	return t
}

func TestThePlanAppliedIsWhatIsWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := tables().Draw(t, "have"), tables().Draw(t, "want")
		got := Apply(have, Plan(have, want, Of(have)))
		if diff := cmp.Diff(sorted(want), sorted(got), same); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsAsWantedNeedsNoChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := tables().Draw(t, "want")
		if ops := Plan(sorted(want), want, Of(want)); len(ops) > 0 {
			t.Fatalf("%s", lines(ops))
		}
	})
}

// serving tells whether a service gets its connections answered.
func serving(t Table, k Key) bool {
	s := t.service(k)
	return s != nil && slices.ContainsFunc(s.Servers, func(one Server) bool { return one.Weight > 0 })
}

func TestNoServiceIsWithoutAServerInBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := tables().Draw(t, "have"), tables().Draw(t, "want")
		ops := Plan(have, want, Of(have))
		for _, s := range want.Services {
			if !serving(have, s.Key) || !serving(want, s.Key) {
				continue
			}
			for i := range ops {
				if !serving(Apply(have, ops[:i+1]), s.Key) {
					t.Fatalf("%s has no server after\n%s", s.Key, lines(ops[:i+1]))
				}
			}
		}
	})
}

func TestWhatIsNotOursIsNotTouched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := tables().Draw(t, "have"), tables().Draw(t, "want")
		owned := Of(have)
		owned.Services = slices.DeleteFunc(owned.Services, func(k Key) bool { return k.Address.Port()%2 == 0 })
		got := Apply(have, Plan(have, want, owned))
		for _, s := range have.Services {
			foreign := want.service(s.Key) == nil && !slices.Contains(owned.Services, s.Key)
			if after := got.service(s.Key); foreign && (after == nil || !cmp.Equal(*after, s, same)) {
				t.Fatalf("%s was not ours and is %v", s.Key, after)
			}
		}
	})
}

// No change is made twice, and none that makes no difference.
func TestEveryChangeOfAPlanIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have, want := tables().Draw(t, "have"), tables().Draw(t, "want")
		ops := Plan(have, want, Of(have))
		for i := range ops {
			left := slices.Delete(slices.Clone(ops), i, i+1)
			if cmp.Equal(sorted(want), sorted(Apply(have, left)), same) {
				t.Fatalf("%s is not needed in\n%s", ops[i], lines(ops))
			}
		}
	})
}

func TestOneServersChangeIsOneChangeAmongTenThousand(t *testing.T) {
	var have Table
	for s := range 100 {
		one := web()
		one.Key.Address = netip.AddrPortFrom(one.Key.Address.Addr(), uint16(8000+s))
		for i := range 100 {
			one.Servers = append(one.Servers, server(i, 1))
		}
		have.Services = append(have.Services, one)
	}
	want := Apply(have, []Op{EditServer{have.Services[50].Key, server(50, 0)}})
	if ops := lines(Plan(have, want, Of(have))); ops != "tcp 10.0.0.3:8050: edit 10.0.0.50:80 dr weight 0\n" {
		t.Errorf("got\n%s", ops)
	}
}

func TestKeysHaveOneOrder(t *testing.T) {
	keys := []Key{
		{Protocol: TCP, Address: netip.MustParseAddrPort("10.0.0.3:80")},
		{Protocol: UDP, Address: netip.MustParseAddrPort("10.0.0.3:80")},
		{Protocol: TCP, Address: netip.MustParseAddrPort("10.0.0.3:443")},
		{Protocol: TCP, Address: netip.MustParseAddrPort("[fd00::3]:80")},
		{Mark: 1}, {Mark: 1, IPv6: true}, {Mark: 2},
	}
	for i, a := range keys {
		for j, b := range keys {
			if got := a.Compare(b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%s compared with %s: %d", a, b, got)
			}
		}
	}
}
