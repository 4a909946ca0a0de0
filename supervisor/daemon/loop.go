package daemon

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// heartbeat is how long the loop sleeps at the most: the watchdog wants a sign of life.
const heartbeat = 500 * time.Millisecond

// loop is the only code that touches the Node. It runs on one locked thread and waits
// for sockets, mail and the Node's deadline in one poll: what came is read before
// anything is concluded from silence.
type loop struct {
	node    *supervisor.Node
	mail    *mailbox
	hands   *hands
	journal *journal
	ports   map[string]*port
	cfg     supervisor.Config
	routers map[string]*served
	links   []string // the interfaces of cfg
	remarks remarks

	poll     []unix.PollFd // the mailbox first
	sources  []source      // what poll's other descriptors are
	polled   time.Time     // when they were last looked at
	reopened bool          // sockets were opened or closed since poll was made

	seen     map[string]vrrpnet.Interface // as last told
	unusable map[string]bool              // could not be opened
	retryAt  time.Time

	beats   atomic.Uint64 // completed rounds
	stopped bool

	pkt vrrpnet.Packet
}

// source is a socket that the loop reads.
type source struct {
	port       *port
	over       vrrpnet.Transport
	adverts    *vrrpnet.Socket    // either
	neighbours vrrpnet.Neighbours // or
}

// run ends after a Stop event.
func (l *loop) run() error {
	if err := lockThread(); err != nil {
		l.journal.warn("timing", fmt.Sprintf("SCHED_RR is refused (%v): adverts may be late under load; grant CAP_SYS_NICE", err))
	}
	l.reopened = true
	l.step(supervisor.Start{})
	for !l.stopped {
		if err := l.wait(l.timeout()); err != nil {
			return err
		}
		l.read()
		l.retry()
		if err := l.tick(); err != nil {
			return err
		}
		l.announce()
		l.beats.Add(1)
	}
	l.closePorts()
	return nil
}

// What was read longer ago than stale may have been followed by something: the sockets
// are looked at again before a deadline fires, a few times at the most.
const (
	stale  = 5 * time.Millisecond
	rounds = 4
)

// tick lets a deadline fire.
func (l *loop) tick() error {
	for range rounds {
		deadline, t := l.node.Deadline(), now()
		if deadline.IsZero() || t.Before(deadline) {
			return nil
		}
		if t.Sub(l.polled) < stale {
			break
		}
		if err := l.wait(0); err != nil {
			return err
		}
		l.read()
	}
	l.step(supervisor.Tick{})
	return nil
}

// announce goes on with the announcements.
func (l *loop) announce() {
	for _, p := range l.ports {
		if len(p.announcers) == 0 || now().Before(p.announceAt) {
			continue
		}
		if r, err := p.announceSome(); err != nil {
			l.journal.limited(r.Name+" announce", "send-failed", r.Name+": announce: "+err.Error())
		}
	}
}

// timeout is how long the loop may sleep.
func (l *loop) timeout() time.Duration {
	deadline := l.node.Deadline()
	for _, p := range l.ports {
		if len(p.announcers) > 0 && (deadline.IsZero() || p.announceAt.Before(deadline)) {
			deadline = p.announceAt
		}
	}
	if deadline.IsZero() {
		return heartbeat
	}
	return min(max(deadline.Sub(now()), 0), heartbeat)
}

// wait sleeps until a socket has something, a letter comes, or the time is over.
func (l *loop) wait(timeout time.Duration) error {
	if l.reopened {
		l.gather()
	}
	ts := unix.NsecToTimespec(timeout.Nanoseconds())
	if _, err := unix.Ppoll(l.poll, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	l.polled = now()
	return nil
}

// gather lists what the poll waits for.
func (l *loop) gather() {
	l.reopened = false
	l.poll = append(l.poll[:0], unix.PollFd{Fd: int32(l.mail.fd), Events: unix.POLLIN})
	l.sources = l.sources[:0]
	add := func(fd int, s source) {
		l.poll = append(l.poll, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		l.sources = append(l.sources, s)
	}
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		p := l.ports[name]
		for over, socket := range p.sockets {
			if socket != nil {
				add(socket.FD(), source{port: p, over: vrrpnet.Transport(over), adverts: socket})
			}
		}
		for _, n := range []vrrpnet.Neighbours{p.arp, p.ndp} {
			if n != nil {
				add(n.FD(), source{port: p, neighbours: n})
			}
		}
	}
}

// read reads whatever has something; the mail comes last, since it may close sockets.
func (l *loop) read() {
	for i := range l.sources {
		if l.poll[i+1].Revents == 0 {
			continue
		}
		s := l.sources[i]
		if s.adverts != nil {
			l.receiveAdverts(s)
		} else {
			l.receiveNeighbours(s)
		}
	}
	if len(l.poll) > 0 && l.poll[0].Revents != 0 {
		l.readMail()
	}
}

// maxBurst bounds how many packets one round takes from a flooded socket.
const maxBurst = 512

func (l *loop) receiveAdverts(s source) {
	for range maxBurst {
		ok, err := s.adverts.Receive(&l.pkt)
		if err != nil {
			l.journal.limited(s.port.link.Name+" receive", "receive", err.Error())
			return
		}
		if !ok {
			return
		}
		l.received(s.port, s.port.routerFor(s.over, &l.pkt))
	}
}

// received judges the packet that was read for a router.
func (l *loop) received(p *port, r *served) {
	if r == nil {
		return // of no virtual router here
	}
	if refused := r.receive(&l.pkt); refused != "" {
		l.refused(p, r, refused)
		return
	}
	r.count.received++
	l.step(supervisor.RouterEvent{Router: r.Name, Event: vrrp.Received{Advert: r.heard, From: l.pkt.Envelope.Source}})
}

// refused counts a packet, and tells it now and then.
func (l *loop) refused(p *port, r *served, refused vrrp.Refusal) {
	source, count := r.count.refuse(refused, l.pkt.Envelope.Source)
	from := sourceWord(source)
	l.journal.limited(r.Name+" "+string(refused)+from, "advert-refused",
		fmt.Sprintf("%s: adverts of %s on %s refused (%s), %d so far: %s", r.Name, from, p.link.Name, refused, count, refused.Remedy()))
}

func (l *loop) receiveNeighbours(s source) {
	for range maxBurst {
		h, ok, err := s.neighbours.Receive()
		if err != nil {
			l.journal.limited(s.port.link.Name+" neighbours", "receive", err.Error())
			return
		}
		if !ok {
			return
		}
		r := s.port.neighbours[h.Address]
		if r == nil || h.Probe { // somebody asks, nobody claims
			continue
		}
		l.step(supervisor.RouterEvent{Router: r.Name, Event: l.claim(r.Name, h.MAC.String())})
	}
}

// claim is what somebody else's ARP or neighbour advertisement means to a router: an
// answer to who waits for the address, a claim to who holds it. Each state ignores the
// other one's event.
func (l *loop) claim(name, who string) vrrp.Event {
	if l.node.Active(name) {
		return vrrp.Claimed{By: who}
	}
	return vrrp.Answered{Holder: who}
}

// readMail empties the mailbox.
func (l *loop) readMail() {
	for _, letter := range l.mail.take() {
		if letter.ask != nil {
			letter.ask()
			continue
		}
		l.step(letter.event)
	}
}

// step gives the Node an event and has its actions done.
func (l *loop) step(ev supervisor.Event) {
	if r, ok := ev.(supervisor.RouterEvent); ok && r.Event == (vrrp.Owned{}) && l.routers[r.Router] != nil {
		l.routers[r.Router].owned = time.Now()
	}
	for _, a := range l.node.Step(now(), ev) {
		l.do(a)
	}
	l.hands.commit()
	if _, ok := ev.(supervisor.Stop); ok {
		l.stopped = true
	}
}

func (l *loop) do(a supervisor.Action) {
	switch a := a.(type) {
	case supervisor.RouterAction:
		l.routerAction(l.routers[a.Router], a.Action)
	case supervisor.RunTest:
		l.hands.runTest()
	case supervisor.Restart:
		l.hands.restart(a)
	case supervisor.LookNow:
		l.hands.lookNow()
	case supervisor.Configure:
		l.configure(a.Config)
	case supervisor.Note:
		l.journal.note(a)
	}
}

func (l *loop) routerAction(r *served, a vrrp.Action) {
	if r == nil {
		return
	}
	switch a := a.(type) {
	case vrrp.Enter:
		l.journal.transition(r.Router, l.node, a)
		l.macvlan(r, a)
		return
	case vrrp.Note:
		l.remarks.add(r.Name, a)
		l.journal.note(supervisor.Note{Router: r.Name, Reason: a.Reason, Detail: a.Detail})
		return
	}
	if err := l.routerDeed(r, a); err != nil {
		l.journal.limited(r.Name+" send", "send-failed", fmt.Sprintf("%s: %s: %v", r.Name, a, err))
	}
}

// macvlan makes the macvlan of a router before it is needed, and ends it with the router.
func (l *loop) macvlan(r *served, e vrrp.Enter) {
	p := l.ports[r.Interface]
	switch {
	case r.mac == nil || p == nil:
	case e.From.Out() && e.To == vrrp.Backup:
		l.hands.hold(r, p.link, prepare)
	case e.To == vrrp.Initialize:
		l.hands.hold(r, p.link, dismiss)
	}
}

// routerDeed does what a router wants on the wire or in the kernel. Where the interface
// is gone, so is all that could be done on it.
func (l *loop) routerDeed(r *served, a vrrp.Action) error {
	if send, ok := a.(vrrp.Send); ok {
		if p := l.ports[r.AdvertsOn()]; p != nil {
			return l.send(p, r, send.Priority)
		}
		return nil
	}
	p := l.ports[r.Interface]
	if p == nil {
		return nil
	}
	switch a := a.(type) {
	case vrrp.Announce:
		p.announce(r, a.Reminder)
	case vrrp.Probe:
		return p.probe(r)
	case vrrp.Own:
		l.hands.hold(r, p.link, put)
	case vrrp.Refresh:
		l.hands.hold(r, p.link, refresh)
	case vrrp.Disown:
		r.owned = time.Time{}
		p.hush(r)
		l.hands.hold(r, p.link, remove)
	}
	return nil
}

func (l *loop) send(p *port, r *served, priority uint8) error {
	if primary := l.node.Primary(r.Name); primary.IsValid() { // else r was removed, or its address: the last one
		r.from = primary
	}
	if err := r.send(p, priority); err != nil {
		r.count.sendErrors++
		return err
	}
	r.count.sent++
	return nil
}

// linked opens, reopens or closes the sockets of an interface before the Node hears of
// its change.
func (l *loop) linked(i vrrpnet.Interface) {
	if !slices.Contains(l.links, i.Name) { // from before the configuration changed
		delete(l.unusable, i.Name)
		return
	}
	if i.Err != nil { // the rest is what was last seen
		l.journal.limited("watch "+i.Name, "link-unknown", i.Name+": the kernel does not tell its state: "+i.Err.Error())
		return
	}
	ev := supervisor.LinkChanged{Interface: i.Name, Exists: i.Exists, Enabled: i.Up, Up: i.Up && i.Carrier}
	ev.Addresses, ev.Tentative, ev.Duplicate = sorted(i.Addresses)
	ev.Addresses = l.withPut(&i, ev.Addresses)
	l.seen[i.Name] = i
	delete(l.unusable, i.Name)
	if i.Exists {
		var err error
		if ev.Anew, err = l.open(i.Link); err != nil {
			ev.Problem = err.Error()
			l.unusable[i.Name] = true
			l.retryAt = now().Add(retryEvery)
		}
	}
	l.step(ev)
	if !i.Exists {
		l.shut(i.Name)
	}
}

// withPut adds to what an interface has what was put there since the kernel was asked:
// that may be missing in the answer, and another answer is sure to follow.
func (l *loop) withPut(i *vrrpnet.Interface, list []netip.Prefix) []netip.Prefix {
	for _, r := range l.routers {
		if r.owned.Before(i.Asked) || r.Holder() != i.Name {
			continue
		}
		for _, a := range r.Addresses {
			if !slices.Contains(list, a.Prefix) {
				list = append(list, a.Prefix)
			}
		}
	}
	return list
}

// retryEvery is how often an interface that could not be used is tried again.
const retryEvery = time.Second

// retry tries the unusable interfaces again, and the routers that another daemon has.
func (l *loop) retry() {
	if l.retryAt.IsZero() || now().Before(l.retryAt) {
		return
	}
	l.retryAt = time.Time{}
	for _, name := range slices.Sorted(maps.Keys(l.unusable)) {
		l.linked(l.seen[name])
	}
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		if p := l.ports[name]; len(p.barred) > 0 {
			p.claimAgain()
			l.bar(p)
		}
	}
}

// bar tells which routers of a port cannot be run, and which can again.
func (l *loop) bar(p *port) {
	for _, router := range slices.Sorted(maps.Keys(p.barred)) {
		problem := p.barred[router]
		l.step(supervisor.Barred{Router: router, Problem: problem})
		if problem == "" {
			delete(p.barred, router)
			continue
		}
		l.retryAt = now().Add(retryEvery)
	}
}

// open tells whether the sockets had to be opened, for the first time or anew.
func (l *loop) open(link vrrpnet.Link) (bool, error) {
	routers := l.routersOn(link.Name)
	if len(routers) == 0 {
		return false, nil // tracked only, or a macvlan
	}
	if p := l.ports[link.Name]; p != nil {
		if p.link.Index == link.Index && slices.Equal(p.link.MAC, link.MAC) {
			return false, nil
		}
		l.shut(link.Name)
	}
	p, err := openPort(link, routers)
	if err != nil {
		return true, err
	}
	l.ports[link.Name] = p
	l.reopened = true
	l.bar(p)
	return true, nil
}

// routersOn are the routers that send or have their addresses on an interface.
func (l *loop) routersOn(name string) []*served {
	var on []*served
	for i := range l.cfg.Routers {
		if r := &l.cfg.Routers[i]; r.Interface == name || r.AdvertsOn() == name {
			on = append(on, l.routers[r.Name])
		}
	}
	return on
}

func (l *loop) shut(name string) {
	p := l.ports[name]
	if p == nil {
		return
	}
	if err := p.close(); err != nil {
		l.journal.warn("socket", err.Error())
	}
	delete(l.ports, name)
	l.reopened, l.sources = true, nil
}

func (l *loop) closePorts() {
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		l.shut(name)
	}
}

// configure changes what is served; sockets that are still wanted stay open.
func (l *loop) configure(cfg supervisor.Config) {
	l.serve(cfg)
	for _, name := range slices.Sorted(maps.Keys(l.ports)) {
		routers := l.routersOn(name)
		if len(routers) == 0 {
			l.shut(name)
		} else if err := l.ports[name].serve(routers); err != nil {
			l.journal.warn("socket", err.Error())
			l.shut(name)
			l.unusable[name], l.retryAt = true, now() // tried again at once
		} else {
			l.bar(l.ports[name])
		}
	}
	l.reopened, l.sources = true, nil
	for name, i := range l.seen { // a known interface may be wanted for more than before
		if l.ports[name] == nil && i.Exists && len(l.routersOn(name)) > 0 {
			l.unusable[name], l.retryAt = true, now()
		}
	}
	l.hands.configure(cfg)
}

// serve makes cfg what is served; a router goes on counting.
func (l *loop) serve(cfg supervisor.Config) {
	old := l.routers
	l.links = interfaces(cfg)
	l.cfg, l.routers = cfg, make(map[string]*served, len(cfg.Routers))
	for _, r := range cfg.Routers {
		s := newServed(r)
		if before := old[r.Name]; before != nil && before.VRRP.VRID == r.VRRP.VRID && before.AdvertsOn() == r.AdvertsOn() {
			s.continues(before)
		}
		l.routers[r.Name] = s
	}
}
