package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// remarks counts what the virtual routers noted, so that status shows what goes on and
// not only the log.
type remarks map[remarkKey]*remark

type remarkKey struct {
	router string
	reason vrrp.Reason
}

type remark struct {
	count  uint64
	last   time.Time
	detail string // of the last
}

func (m remarks) add(router string, n vrrp.Note) {
	key := remarkKey{router, n.Reason}
	r := m[key]
	if r == nil {
		r = &remark{}
		m[key] = r
	}
	r.count++
	r.last, r.detail = now(), n.Detail
}

// of is what one router noted.
func (m remarks) of(router string) []RemarkStatus {
	var list []RemarkStatus
	for key, r := range m {
		if key.router == router {
			list = append(list, RemarkStatus{Reason: string(key.reason), Detail: r.detail, Remedy: key.reason.Remedy(), Count: r.count, Last: when(r.last)})
		}
	}
	slices.SortFunc(list, func(a, b RemarkStatus) int { return strings.Compare(a.Reason, b.Reason) })
	return list
}
