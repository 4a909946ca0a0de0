package config

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/probes"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func TestNodeGetsEverythingThatTheFileSays(t *testing.T) {
	got, err := parse(t, read(t, "testdata/valid-full.yaml")).For("lb01")
	if err != nil {
		t.Fatal(err)
	}
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	want := supervisor.Config{
		Node: "lb01",
		Peer: "lb02",
		Proxy: supervisor.Proxy{
			Command:        []string{"haproxy", "-W", "-f", "/etc/haproxy/haproxy.cfg", "-m", "512", "two words"},
			Test:           []string{"haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"},
			Watch:          []string{"/etc/haproxy", "/etc/ssl/private/site.pem"},
			Reload:         supervisor.ReloadAuto,
			TestTimeout:    6 * time.Second,
			RestartTimeout: 11 * time.Second,
			StopTimeout:    7 * time.Second,
			Wait:           4 * time.Second,
			Attempts:       3,
			Budget:         6,
			Window:         90 * time.Minute,
			Ladder:         supervisor.Ladder{SkipRestart: true},
			RetryMax:       2 * time.Hour,
			GiveUpStops:    true,
			Rise:           3,
			Look:           250 * time.Millisecond,
		},
		Probes: []probes.Config{{
			Name: "deep",
			Check: probes.HTTP{
				URL:    "http://127.0.0.1:8080/healthz?deep=1",
				Method: "HEAD",
				Host:   "www.example.com",
				Status: []probes.StatusRange{{From: 200, To: 200}, {From: 301, To: 399}},
			},
			Interval: time.Second,
			Timeout:  1500 * time.Millisecond,
			Rise:     3,
			Fall:     4,
		}},
		Routers: []supervisor.Router{
			{
				Name:      "web",
				Interface: "eth0",
				VRRP: vrrp.Config{
					VRID:          50,
					Version:       vrrp.V3,
					Priority:      150,
					Interval:      40950 * time.Millisecond,
					Addresses:     []netip.Addr{addr("10.0.0.3"), addr("10.0.0.4")},
					DownAdverts:   3,
					Pair:          true,
					PeerPriority:  151,
					Lifetime:      3 * time.Second,
					Gate:          600 * time.Millisecond,
					AnnounceEvery: time.Minute,
				},
				Format: vrrp.Format{Version: vrrp.V3, VRID: 50, Checksum: vrrp.ChecksumPlain},
				Addresses: []supervisor.Address{
					{Prefix: prefix("10.0.0.3/24")},
					{Prefix: prefix("10.0.0.4/32"), Label: "eth0:web", NoPrefixRoute: true},
				},
				Burst: 3, FlapWindow: 10 * time.Minute, PreemptDelayMax: 10 * time.Minute,
				Source: addr("10.0.0.5"),
				Peer:   addr("10.0.0.6"),
			},
			{
				Name:      "vr50-eth0.100",
				Interface: "eth0.100",
				VRRP: vrrp.Config{
					VRID:          50,
					Version:       vrrp.V2,
					Priority:      1,
					Interval:      2 * time.Second,
					Addresses:     []netip.Addr{addr("10.0.0.7")},
					Preempt:       true,
					DownAdverts:   3,
					Pair:          true,
					PeerPriority:  254,
					Lifetime:      3 * time.Second,
					Gate:          600 * time.Millisecond,
					AnnounceAgain: 5 * time.Second,
					AnnounceEvery: time.Second,
				},
				Format:    vrrp.Format{Version: vrrp.V2, VRID: 50},
				Addresses: []supervisor.Address{{Prefix: prefix("10.0.0.7/24")}},
				Burst:     5, FlapWindow: 10 * time.Minute, PreemptDelayMax: 10 * time.Minute,
				Source: addr("10.0.0.5"),
				Peer:   addr("10.0.0.6"),
			},
		},
		RestartWindow: 3 * time.Second,
	}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNodesDifferOnlyInNamePrioritiesAndSource(t *testing.T) {
	d := parse(t, read(t, "testdata/valid-dual-master.yaml"))
	a, errA := d.For("lb01")
	b, errB := d.For("lb02")
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	priorities := func(c supervisor.Config) []uint8 {
		return []uint8{c.Routers[0].VRRP.Priority, c.Routers[1].VRRP.Priority}
	}
	if diff := cmp.Diff([][]uint8{{150, 100}, {100, 150}}, [][]uint8{priorities(a), priorities(b)}); diff != "" {
		t.Errorf("priorities (-want +got):\n%s", diff)
	}
	b.Node, b.Peer = a.Node, a.Peer
	for i := range b.Routers {
		if got := b.Routers[i].Source.String(); got != "10.0.0.6" {
			t.Errorf("lb02 sends from %s, want 10.0.0.6", got)
		}
		if a.Routers[i].VRRP.PeerPriority != b.Routers[i].VRRP.Priority || b.Routers[i].VRRP.PeerPriority != a.Routers[i].VRRP.Priority {
			t.Errorf("the nodes do not know each other's priority: %+v, %+v", a.Routers[i].VRRP, b.Routers[i].VRRP)
		}
		b.Routers[i].VRRP.Priority, b.Routers[i].VRRP.PeerPriority = a.Routers[i].VRRP.Priority, a.Routers[i].VRRP.PeerPriority
		if a.Routers[i].Peer != b.Routers[i].Source || b.Routers[i].Peer != a.Routers[i].Source {
			t.Errorf("the nodes do not know each other's address: %s, %s", a.Routers[i].Peer, b.Routers[i].Peer)
		}
		b.Routers[i].Source, b.Routers[i].Peer = a.Routers[i].Source, a.Routers[i].Peer
	}
	if diff := cmp.Diff(a, b, same); diff != "" {
		t.Errorf("the nodes differ in more (-lb01 +lb02):\n%s", diff)
	}
}

func TestUnknownNodeIsRefused(t *testing.T) {
	_, err := parse(t, read(t, "testdata/valid-small.yaml")).For("lb03")
	if want := "pairkeeper.yaml: nodes: lb03 is not one of lb01, lb02"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPasswordIsSentAsWritten(t *testing.T) {
	c, err := parse(t, read(t, "testdata/valid-password.yaml")).For("lb02")
	if err != nil {
		t.Fatal(err)
	}
	want := vrrp.Format{Version: vrrp.V2, VRID: 50, Auth: vrrp.Auth{Type: vrrp.AuthPass, Key: []byte("1111")}}
	if diff := cmp.Diff(want, c.Routers[0].Format, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
