package main

import (
	"bytes"
	"os"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pairkeeper/pairkeeper/internal/board"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

func virtualServers() daemon.IPVSStatus {
	shop := daemon.VirtualServerStatus{
		Name: "shop", Service: "tcp 10.0.0.3:80", Options: "wrr persistent 5m0s", Router: "web", Serves: true,
		Quorum: true, Since: before(time.Hour), Weight: 10, Needed: 1, Up: 1, Total: 2, Counters: &ipvsnet.Counters{Connections: 4000},
		Servers: []daemon.RealServerStatus{
			{Address: "10.0.0.11:80", Forward: "dr", Weight: 10, Up: true, Since: before(2 * time.Hour), Reason: "10.0.0.11:80: connected", Active: 3, Inactive: 40,
				Counters: &ipvsnet.Counters{Connections: 4000, PacketsIn: 90000, BytesIn: 51_200_000, ConnectionRate: 12}},
			{Address: "10.0.0.12:80", Forward: "dr", Since: before(time.Minute), Reason: "10.0.0.12:80: connection refused"},
		},
	}
	away := shop
	away.Name, away.Service, away.Serves, away.Counters, away.Servers = "mail", "tcp 10.0.0.3:25", false, nil, nil
	lost := shop
	lost.Name, lost.Service, lost.Quorum, lost.Apologizes, lost.Weight, lost.Up = "api", "fwmark 1", false, true, 0, 0
	lost.Servers = []daemon.RealServerStatus{{Address: "10.0.0.9:8080", Forward: "nat", Weight: 1, Up: true, Since: before(time.Hour), Reason: "sorry server", Counters: &ipvsnet.Counters{}}}
	return daemon.IPVSStatus{Schema: 1, Node: "lb01", VirtualServers: []daemon.VirtualServerStatus{shop, away, lost}}
}

func TestTheScreenOfVirtualServers(t *testing.T) {
	var b bytes.Buffer
	s := virtualServers()
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	printVirtualServers(w, s.VirtualServers, noon)
	_ = w.Flush()
	for _, line := range board.Problems(&daemon.Status{VirtualServers: s.VirtualServers}, noon) {
		b.WriteString("! " + line + "\n")
	}
	b.WriteString("\n")
	s.Problem = ipvsnet.ErrNone.Error()
	printIPVS(&b, s, noon)
	printIPVS(&b, daemon.IPVSStatus{}, noon)
	const path = "testdata/status-ipvs.txt"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBytesAreSaidInShort(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1.0K", 51_200_000: "51.2M", 1 << 63: "9.2E"} {
		if got := bytesWord(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
