package daemon

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

const (
	// lookAgain is how soon it is noticed what somebody else did to the table.
	lookAgain = 400 * time.Millisecond
	// lookMost is how many servers are read at a time; of a larger table, some each time.
	lookMost = 1000
)

// balancer keeps the kernel's IPVS as the Node wants it, on a goroutine of its own. It leaves
// alone what is not ours.
type balancer struct {
	warn  func(reason vrrp.Reason, text string) // in the journal
	owned ownedFile
	wake  chan struct{} // has capacity 1
	done  chan struct{}

	mu     sync.Mutex
	want   ipvs.Table
	asked  bool // want is known
	closed bool

	// Of the goroutine.
	kernel *ipvsnet.Kernel
	have   ipvs.Table  // as last read, with our own changes since
	seen   bool        // have is to be relied on
	made   *ipvs.Table // what was wanted when that was last made; nil: nothing
	ours   ipvs.Owned
	next   int // of the services whose servers are read next
}

func newBalancer(warn func(vrrp.Reason, string), file string) *balancer {
	return &balancer{warn: warn, owned: ownedFile{path: file}, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// spread wants a table. It never blocks.
func (b *balancer) spread(t ipvs.Table) {
	b.mu.Lock()
	b.want, b.asked = t, true
	b.mu.Unlock()
	b.poke()
}

func (b *balancer) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// close waits until the table is as was wanted last.
func (b *balancer) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.poke()
	<-b.done
}

func (b *balancer) run() {
	defer close(b.done)
	var problem error
	if b.ours, problem = b.owned.read(); problem != nil {
		b.warn(logbook.IPVSFailed, "what a daemon before left in IPVS is not known: "+problem.Error())
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		want, asked, closed := b.wanted()
		if asked && b.needed(want) {
			b.keep(want)
		}
		if closed {
			b.end()
			return
		}
		select {
		case <-b.wake:
		case <-look.C:
			b.seen = false
		}
	}
}

func (b *balancer) wanted() (want ipvs.Table, asked, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.want, b.asked, b.closed
}

// needed tells whether anything in IPVS is, or is to be, ours.
func (b *balancer) needed(want ipvs.Table) bool {
	return len(want.Services)+len(want.Sync) > 0 || want.Timeouts != (ipvs.Timeouts{}) || !b.ours.Empty()
}

func (b *balancer) end() {
	if b.kernel != nil {
		b.kernel.Close()
	}
}

// keep makes the table what is wanted.
func (b *balancer) keep(want ipvs.Table) {
	if err := b.open(); err != nil {
		b.warn(logbook.IPVSFailed, err.Error())
		return
	}
	if err := b.look(); err != nil {
		b.lose(err)
		return
	}
	if err := b.change(want); err != nil {
		b.lose(err)
		return
	}
	b.made = &want
}

// lose has everything read again the next time.
func (b *balancer) lose(err error) {
	b.have, b.seen, b.made = ipvs.Table{}, false, nil
	b.warn(logbook.IPVSFailed, firstLine(err.Error()))
}

// firstLine is the first of several problems, which often have one cause.
func firstLine(text string) string {
	first, rest, more := strings.Cut(text, "\n")
	if more {
		first += fmt.Sprintf(" (and %d more)", 1+strings.Count(rest, "\n"))
	}
	return first
}

func (b *balancer) open() (err error) {
	if b.kernel == nil {
		b.kernel, err = ipvsnet.Open()
	}
	return err
}

// look reads the table, if that is due, and tells what somebody else did to it.
func (b *balancer) look() error {
	if b.seen {
		return nil
	}
	have, err := b.kernel.Glance(b.known())
	if err != nil {
		return err
	}
	b.have, b.seen = have, true
	if b.made == nil {
		return nil
	}
	if undo := ipvs.Plan(have, *b.made, ipvs.Owned{}); len(undo) > 0 {
		b.warn(logbook.IPVSMended, "somebody changed what pairkeeper put into IPVS, it is put back: "+summary(undo)+
			": look for ipvsadm -C, ipvsadm-restore or another keepalived")
	}
	return nil
}

// known tells which servers need not be read this time: of a large table, all but some.
func (b *balancer) known() func(ipvs.Key) ([]ipvs.Server, bool) {
	list, read := b.have.Services, 0
	fresh := make(map[ipvs.Key]bool, len(list))
	for len(fresh) < len(list) {
		b.next %= len(list)
		s := &list[b.next]
		if read += len(s.Servers); read > lookMost && len(fresh) > 0 {
			break
		}
		fresh[s.Key] = true
		b.next++
	}
	servers := make(map[ipvs.Key][]ipvs.Server, len(list)-len(fresh))
	for _, s := range list {
		if !fresh[s.Key] {
			servers[s.Key] = s.Servers
		}
	}
	return func(k ipvs.Key) ([]ipvs.Server, bool) {
		s, ok := servers[k]
		return s, ok
	}
}

// summaryMost is how many changes are told one by one.
const summaryMost = 3

// summary tells some changes.
func summary(ops []ipvs.Op) string {
	var words []string
	for _, op := range ops[:min(len(ops), summaryMost)] {
		words = append(words, op.String())
	}
	if more := len(ops) - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, "; ")
}

// change makes the changes that are left. What is about to be ours is written down before,
// and what is ours no more after it.
func (b *balancer) change(want ipvs.Table) error {
	ops := ipvs.Plan(b.have, want, b.ours)
	if both := b.ours.And(ipvs.Of(want)); !both.Equal(b.ours) {
		if err := b.owned.write(both); err != nil {
			return err
		}
		b.ours = both
	}
	if err := b.kernel.Apply(ops); err != nil {
		return err
	}
	b.have = ipvs.Apply(b.have, ops)
	if left := ipvs.Of(want).And(ipvs.Owned{}); !left.Equal(b.ours) {
		if err := b.owned.write(left); err != nil {
			return err
		}
		b.ours = left
	}
	return nil
}
