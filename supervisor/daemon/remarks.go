package daemon

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// remarks counts what the virtual routers noted, so that status shows what goes on and
// not only the log.
type remarks map[string]map[remarkKey]*remark // by router

// remarkKey is a reason and whose advert it was; an invalid address: nobody's, or one of
// too many.
type remarkKey struct {
	reason vrrp.Reason
	from   netip.Addr
}

type remark struct {
	count  uint64
	last   time.Time
	detail string // of the last
}

func (m remarks) add(router string, n vrrp.Note) {
	if m[router] == nil {
		m[router] = map[remarkKey]*remark{}
	}
	key := remarkKey{n.Reason, n.From}
	if m[router][key] == nil && len(m[router]) >= maxSources {
		key.from = netip.Addr{}
	}
	r := m[router][key]
	if r == nil {
		r = &remark{}
		m[router][key] = r
	}
	r.count++
	r.last, r.detail = now(), n.Detail
}

// of is what one router noted.
func (m remarks) of(router string) []RemarkStatus {
	var list []RemarkStatus
	for key, r := range m[router] {
		s := RemarkStatus{Reason: string(key.reason), Detail: r.detail, Remedy: key.reason.Remedy(), Count: r.count, Last: when(r.last)}
		if key.from.IsValid() {
			s.From = key.from.String()
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b RemarkStatus) int {
		return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.From, b.From))
	})
	return list
}
