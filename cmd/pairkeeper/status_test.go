package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

func TestTheScreen(t *testing.T) {
	web := daemon.RouterStatus{
		Name: "web", Interface: "eth0", VRID: 50, Version: 3, Since: before(90 * time.Minute), Priority: 150,
		Interval: "200ms", Addresses: []string{"10.0.0.3/24", "10.0.0.4/24"}, Primary: "10.0.0.1", Gate: "idle",
	}
	good := daemon.Status{
		Schema: 1, Version: "1.0", Node: "lb01", Peer: "lb02", Started: before(50 * time.Hour),
		Config: daemon.ConfigStatus{File: "/etc/nginx/pairkeeper.yaml", Loaded: before(50 * time.Hour)},
		Proxy:  &daemon.ProxyStatus{Name: "nginx.service", State: "good", Since: before(49 * time.Hour), Unit: "active", MainPID: 7, Restarts: 1, Budget: 5},
		Health: daemon.HealthStatus{Verdict: "healthy"},
		Probes: []daemon.ProbeStatus{
			{Name: "healthz", State: "good", Since: before(49 * time.Hour), Detail: "GET http://127.0.0.1/healthz: 200", ProbeEffect: daemon.ProbeEffect{OnFail: "restart", Effect: "none"}},
		},
	}
	active := good
	one := web
	one.State, one.Held, one.Gate = "ACTIVE", true, "open"
	active.Routers = []daemon.RouterStatus{one}

	backup := good
	two := web
	two.State, two.Peer = "BACKUP", &daemon.PeerStatus{Address: "10.0.0.2", Priority: 200, Heard: before(130 * time.Millisecond)}
	backup.Routers = []daemon.RouterStatus{two}

	blocked := good
	blocked.Heartbeat = &daemon.HeartbeatStatus{
		Class: "able", Peer: &daemon.HeartbeatPeerStatus{Class: "able", Version: "1.0", Heard: before(time.Second)},
		Links: []daemon.LinkStatus{{Local: "192.168.9.2", Peer: "192.168.9.1", State: "both-ways", Heard: before(time.Second), RoundTrip: "310µs", Sent: 90, Received: 89}},
	}
	fenced := backup
	fenced.Fence = &daemon.FenceStatus{State: "armed", Since: before(time.Minute), Takeover: "after_fence", Action: "reboot", Heard: true, Tried: before(2 * time.Minute), Broken: "/usr/sbin/fence_virsh: exit 1: login denied"}
	waits := two
	waits.Arbiter = &daemon.ArbiterStatus{Rule: "vrrp-blocked", Since: before(20 * time.Second), Text: "lb02 holds the addresses and says so by heartbeat, but its adverts do not come"}
	blocked.Routers = []daemon.RouterStatus{waits}

	ungated, shut := good, good
	alone, out := one, one
	alone.Gate = "unsupported: nf_tables of this kernel: operation not supported"
	other := alone
	other.Name, other.VRID = "more", 51
	ungated.Routers = []daemon.RouterStatus{alone, other}
	out.Gate = "shut"
	shut.Routers = []daemon.RouterStatus{out}

	trouble := good
	trouble.Config.Problem = "pairkeeper.yaml:7: a\npairkeeper.yaml:8: b"
	why := "nginx -t: exit 1: unknown directive"
	trouble.Proxy = &daemon.ProxyStatus{Name: "nginx.service", State: "given-up", Since: before(9 * time.Second), Unit: "failed signal SIGKILL", Restarts: 2, Budget: 3, Problem: why, Next: noon.Add(51 * time.Second)}
	trouble.Proxy.Config = &daemon.ProxyConfigStatus{State: "bad", Since: before(time.Minute), Problem: why, Changed: []string{"/etc/nginx/nginx.conf"}}
	trouble.Health = daemon.HealthStatus{Verdict: "failed", Why: "proxy nginx.service: " + why, Since: before(9 * time.Second)}
	trouble.Probes = []daemon.ProbeStatus{
		{Name: "healthz", State: "unknown", ProbeEffect: daemon.ProbeEffect{OnFail: "restart", Effect: "none"}},
		{Name: "backends", State: "failed", Since: before(time.Minute), Detail: "no answer", ProbeEffect: daemon.ProbeEffect{OnFail: "penalty 30", Effect: "priority -30"}},
	}
	three, four := web, web
	three.State, three.Reason, three.Detail, three.Since = "FAULT", "proxy-down", why, before(9*time.Second)
	three.Adverts.Refused = []daemon.RefusedStatus{{Reason: "checksum", From: "10.0.0.9", Count: 12, Remedy: "do this"}}
	three.Remarks = []daemon.RemarkStatus{
		{Reason: "lower-advert", Detail: "10.0.0.2 is Active too, with priority 100", Count: 3, Last: before(5 * time.Second)},
		{Reason: "paused", Detail: "long ago", Count: 1, Last: before(time.Hour)},
	}
	four.Name, four.VRID, four.State, four.Reason, four.Detail = "more", 51, "FAULT", "vip-failed", "putting 10.0.0.4/24 on eth0: no"
	four.Adverts = three.Adverts // the same interface
	trouble.Routers = []daemon.RouterStatus{three, four}

	last := trouble
	five := three
	five.State, five.LastResort, five.Priority = "ACTIVE", true, 1
	last.Routers = []daemon.RouterStatus{five}
	trouble.Notify = []daemon.NotifyStatus{
		{Name: "ops", Sent: 7, Waiting: 2, Failed: 1, Failing: true, LastError: "mail.example.com:587: no answer within 10s"},
		{Name: "chat", Sent: 9, LastError: "long ago"},
	}

	bare := daemon.Status{Version: "1.0", Node: "lb01", Peer: "lb02", Started: noon.Add(time.Second), Config: good.Config}

	for name, s := range map[string]daemon.Status{"active": active, "backup": backup, "blocked": blocked, "fence": fenced, "no-gate": ungated, "gate-shut": shut, "trouble": trouble, "last-resort": last, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			printStatus(&out, s, noon)
			golden(t, "status-"+name+".txt", out.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("another screen than %s (-want +got):\n%s", path, d)
	}
}

func TestAgesAreSaidAsPeopleSayThem(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 130 * time.Millisecond: "100ms", 9900 * time.Millisecond: "9.9s",
		59 * time.Second: "59s", 61 * time.Second: "1m1s", 90 * time.Minute: "1h30m", 49 * time.Hour: "2d",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s is said %q, want %q", time.Duration(d), got, want)
		}
	}
}
