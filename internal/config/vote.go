package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	witnessPort    = "6941"
	witnessMost    = 3
	witnessExample = "[10.0.0.9]"
	leaseLeast     = 600 * time.Millisecond // by default: no witness that answers is so slow
	leaseMost      = 2 * time.Second
)

// vote is what decides when the nodes do not hear each other.
type vote struct {
	prefer    string // empty: by what there is
	tiebreak  string // a node
	witnesses []string
	disk      string
	lease     time.Duration
	fenced    bool // there is a fence
}

// voteKeys are those of arbitration: that are about it.
var voteKeys = []string{"prefer", "tiebreak", "witness", "disk", "lease"}

func (d *Document) readVote(f fields) {
	v := &d.arbitration.vote
	v.lease = d.leaseDefault()
	if p, ok := f.keys["prefer"]; ok {
		v.prefer, _ = p.one("availability", "consistency")
	}
	if t, ok := f.keys["tiebreak"]; ok {
		v.tiebreak, _ = t.one(d.Nodes()...)
	}
	if w, ok := f.keys["witness"]; ok {
		v.readWitnesses(w)
	}
	if k, ok := f.keys["disk"]; ok {
		v.readDisk(k)
	}
	f.duration("lease", &v.lease, 500*time.Millisecond, fencing.MaxLease)
	v.check(f)
}

// leaseDefault is as long as the adverts have to be missing: a shorter one would let nobody take
// over sooner, a longer one would have to be waited for.
func (d *Document) leaseDefault() time.Duration {
	longest := time.Duration(0)
	for i := range d.routers {
		longest = max(longest, d.routers[i].shared.VRRP.Interval)
	}
	return min(max(3*longest, leaseLeast), leaseMost)
}

// check looks for what does not go together.
func (v *vote) check(f fields) {
	n := len(v.voters())
	switch {
	case v.tiebreak != "" && n > 0:
		f.keys["tiebreak"].errorf("stands beside witness: or disk:, and would hold without their vote while the other node has it: remove one")
	case v.prefer == "consistency" && n == 0 && v.tiebreak == "" && !v.fenced:
		f.keys["prefer"].errorf("consistency lets nobody take the addresses of a node that is not heard, unless there is a third vote: add witness:, disk: or tiebreak:, or fence:")
	case v.prefer == "availability" && v.tiebreak != "":
		f.keys["tiebreak"].warnf("has no effect with prefer: availability")
	case n == 2:
		at := "witness"
		if f.has("disk") {
			at = "disk"
		}
		f.keys[at].warnf("makes two voters, which both have to answer: one or three are better")
	}
	if f.has("lease") && n == 0 {
		f.keys["lease"].warnf("has no effect without witness: or disk:")
	}
}

func (v *vote) readWitnesses(list value) {
	items, ok := list.list("a list such as " + witnessExample)
	if !ok {
		return
	}
	if len(items) > witnessMost {
		list.errorf("has %d witnesses, %d at the most are possible", len(items), witnessMost)
	}
	for _, item := range items {
		text, ok := item.text("an address, or host:port")
		if !ok {
			continue
		}
		switch w, ok := hostPort(text); {
		case !ok:
			item.errorf("%s is neither an address nor a host with a port, such as 10.0.0.9 or backend1.lan:6941", item.written())
		case slices.Contains(v.witnesses, w):
			item.errorf("%s is there already", w)
		default:
			v.witnesses = append(v.witnesses, w)
		}
	}
}

// domainName is what a name is made of (RFC 1123 2.1), cautiously.
var domainName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?$`)

// numeric is an address with a mistake in it.
var numeric = regexp.MustCompile(`^[0-9.]+$`)

// hostPort completes a host by the port that a witness has.
func hostPort(text string) (string, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return net.JoinHostPort(a.String(), witnessPort), true
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, witnessPort
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", false
	}
	if _, err := netip.ParseAddr(host); err != nil && (!domainName.MatchString(host) || numeric.MatchString(host)) {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

func (v *vote) readDisk(k value) {
	path, ok := k.text("a path such as /mnt/shared/pairkeeper.lock")
	switch {
	case !ok:
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		k.errorf("%s is not an absolute path", k.written())
	default:
		v.disk = path
	}
}

func (v *vote) voters() (list []supervisor.Voter) {
	for _, w := range v.witnesses {
		list = append(list, supervisor.Voter{Witness: w})
	}
	if v.disk != "" {
		list = append(list, supervisor.Voter{Disk: v.disk})
	}
	return list
}

// consistency tells that no two may hold, whatever that costs.
func (v *vote) consistency() bool {
	if v.prefer != "" {
		return v.prefer == "consistency"
	}
	return len(v.voters()) > 0 || v.tiebreak != ""
}

func (v *vote) decide(c *supervisor.Config, self node) {
	a := &c.Arbitration
	if v.consistency() {
		a.Prefer = fencing.Consistency
	}
	a.Tiebreak, a.Voters = v.tiebreak == self.name, v.voters()
	if len(a.Voters) > 0 {
		a.Lease = v.lease
	}
}

func (v *vote) tree(t tree) {
	t.set("prefer", text(map[bool]string{false: "availability", true: "consistency"}[v.consistency()]))
	if v.tiebreak != "" {
		t.set("tiebreak", text(v.tiebreak))
	}
	if len(v.witnesses) > 0 {
		all := flowList()
		for _, w := range v.witnesses {
			all.Content = append(all.Content, text(w))
		}
		t.set("witness", all)
	}
	if v.disk != "" {
		t.set("disk", text(v.disk))
	}
	if len(v.voters()) > 0 {
		t.set("lease", duration(v.lease))
	}
}
