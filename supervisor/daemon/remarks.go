package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/pairkeeper/pairkeeper/vrrp"
)

// remarks counts what the virtual routers noted, so that status shows what goes on and
// not only the log.
type remarks map[string]map[vrrp.Reason]*remark // by router

type remark struct {
	count  uint64
	last   time.Time
	detail string // of the last
}

func (m remarks) add(router string, n vrrp.Note) {
	if m[router] == nil {
		m[router] = map[vrrp.Reason]*remark{}
	}
	r := m[router][n.Reason]
	if r == nil {
		r = &remark{}
		m[router][n.Reason] = r
	}
	r.count++
	r.last, r.detail = now(), n.Detail
}

// of is what one router noted.
func (m remarks) of(router string) []RemarkStatus {
	var list []RemarkStatus
	for reason, r := range m[router] {
		list = append(list, RemarkStatus{Reason: string(reason), Detail: r.detail, Remedy: reason.Remedy(), Count: r.count, Last: when(r.last)})
	}
	slices.SortFunc(list, func(a, b RemarkStatus) int { return strings.Compare(a.Reason, b.Reason) })
	return list
}
