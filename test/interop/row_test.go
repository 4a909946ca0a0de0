//go:build linux

package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// row is a line of the matrix: what both programs are told.
type row struct {
	protocol
	ours       string // more lines of pairkeeper's virtual router
	theirs     string // more lines of keepalived's instance
	global     string // more lines of keepalived's global_defs
	priorities [2]int // of the better and the worse router; 150 and 100 unless set
}

// bothWays plays a row with pairkeeper as the better router, and with keepalived, each
// in a network of its own.
func (r row) bothWays(t *testing.T, play func(*duo)) {
	t.Run(r.name+" pairkeeper better", func(t *testing.T) {
		t.Parallel()
		play(r.pairkeeperBetter(t))
	})
	t.Run(r.name+" keepalived better", func(t *testing.T) {
		t.Parallel()
		play(r.keepalivedBetter(t))
	})
}

// duo is pairkeeper on lb01 and keepalived on lb02, as a row wants them.
type duo struct {
	*network
	row
	pk, ka        *station
	better, worse *station // the same two by their priority
}

// pairkeeperBetter is lb01 with the higher priority, or the same.
func (r row) pairkeeperBetter(t testing.TB) *duo {
	t.Helper()
	better, worse := r.order()
	d := r.duo(t, better, worse)
	d.better, d.worse = d.pk, d.ka
	return d
}

// keepalivedBetter is lb02 with the higher priority, or the same.
func (r row) keepalivedBetter(t testing.TB) *duo {
	t.Helper()
	better, worse := r.order()
	d := r.duo(t, worse, better)
	d.better, d.worse = d.ka, d.pk
	return d
}

func (r row) duo(t testing.TB, ours, theirs int) *duo {
	t.Helper()
	d := &duo{network: r.network(t), row: r}
	d.pk, d.ka = d.pairkeeperOn(0, r.pairs(ours, theirs)), d.keepalivedOn(1, r.instances(1, theirs))
	return d
}

func (r row) order() (better, worse int) {
	if r.priorities != [2]int{} {
		return r.priorities[0], r.priorities[1]
	}
	return 150, 100
}

// pairs is pairkeeper's configuration of a row.
func (r row) pairs(ours, theirs int) string {
	if ours == 255 {
		theirs = min(theirs, 254) // a file with two owners is refused
	}
	pair := r.pair([2]int{ours, theirs})
	pair.Extra += r.ours
	return pair.Config()
}

// instances is keepalived's.
func (r row) instances(host, priority int) string {
	vi := r.instance(host, priority)
	vi.Extra += r.theirs
	return keepalivedConf(r.global, vi)
}

// pairkeeperOn makes a host run pairkeeper.
func (d *duo) pairkeeperOn(i int, conf string) *station {
	s := &station{name: "pairkeeper", host: d.hosts[i], addr: d.sources()[i], active: "ACTIVE"}
	s.start = func() router { return StartPairkeeper(d.t, d.hosts[i], Nodes[i], conf) }
	if d.virtualMAC {
		s.virtualMAC = d.mac()
	}
	return s
}

// keepalivedOn makes a host run keepalived.
func (d *duo) keepalivedOn(i int, conf string) *station {
	s := &station{name: "keepalived", host: d.hosts[i], addr: d.sources()[i], active: "MASTER"}
	s.start = func() router { return StartKeepalived(d.t, d.hosts[i], conf) }
	if d.virtualMAC || strings.Contains(conf, "use_vmac") {
		s.virtualMAC = d.mac()
	}
	return s
}

// mac is the virtual MAC address of the router (RFC 9568 7.3).
func (d *duo) mac() string {
	family := 1
	if d.ipv6 {
		family = 2
	}
	return fmt.Sprintf("00:00:5e:00:%02x:%02x", family, vrid)
}

// settle starts both, the better one first, and lets the other hear it.
func (d *duo) settle() {
	d.t.Helper()
	d.better.up(d.t)
	d.better.isActive(d.t)
	d.worse.up(d.t)
	d.betterRules("at first")
	time.Sleep(2 * d.interval)
}

// betterRules waits until the better router is Active and holds the address alone.
func (d *duo) betterRules(when string) {
	d.t.Helper()
	d.better.isActive(d.t)
	d.worse.isBackup(d.t)
	d.holder(d.better)
	d.t.Logf("%s: %s is master", when, d.better.name)
}

// worseRules waits until the other one does; the better one may be away.
func (d *duo) worseRules() {
	d.t.Helper()
	d.worse.isActive(d.t)
	d.holder(d.worse)
}

// silence asserts how long the worse router waited for the better one, by the wire.
func (d *duo) silence(since time.Time, least, most time.Duration) {
	d.t.Helper()
	taken := d.taken(d.worse, since)
	silence := taken.Sub(d.lastBefore(d.better, taken))
	d.t.Logf("%s took over %v after the last advert of %s", d.worse.name, silence, d.better.name)
	if silence < least || silence > most {
		d.t.Errorf("%s took over %v after the last advert of %s, want %v to %v", d.worse.name, silence, d.better.name, least, most)
	}
}
