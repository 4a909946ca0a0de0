package daemon

import (
	"errors"
	"fmt"
	"maps"
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
// for sockets, mail and the Node's deadline in one poll: the mail is read before
// anything is concluded from silence.
type loop struct {
	node    *supervisor.Node
	mail    *mailbox
	hands   *hands
	journal *journal
	ports   map[string]*port
	order   []string // the ports' names, in the order they were opened
	cfg     supervisor.Config
	routers map[string]supervisor.Router
	remarks remarks

	seen     map[string]vrrpnet.Interface // as last told
	unusable map[string]bool              // could not be opened
	retryAt  time.Time

	beats   atomic.Uint64 // completed rounds
	stopped bool

	pkt vrrpnet.Packet
	ad  vrrp.Advert
}

// run ends after a Stop event.
func (l *loop) run() error {
	if err := lockThread(); err != nil {
		l.journal.warn("timing", fmt.Sprintf("SCHED_RR is refused (%v): adverts may be late under load; grant CAP_SYS_NICE", err))
	}
	l.step(supervisor.Start{})
	for !l.stopped {
		if err := l.wait(); err != nil {
			return err
		}
		l.read()
		l.retry()
		l.tick()
		l.beats.Add(1)
	}
	l.closePorts()
	return nil
}

// A round that took longer than stale since the sockets were emptied may conclude from
// a silence that is none: they are emptied again, a few times at the most.
const (
	stale  = 5 * time.Millisecond
	rounds = 4
)

// tick empties the sockets, then lets a deadline fire.
func (l *loop) tick() {
	for range rounds {
		begin := now()
		l.receive()
		deadline := l.node.Deadline()
		if deadline.IsZero() || now().Before(deadline) {
			return
		}
		if now().Sub(begin) < stale {
			break
		}
	}
	l.step(supervisor.Tick{})
}

// wait sleeps until a socket has something, a letter comes, or the deadline is near.
func (l *loop) wait() error {
	fds := []unix.PollFd{{Fd: int32(l.mail.fd), Events: unix.POLLIN}}
	for _, name := range l.order {
		p := l.ports[name]
		fds = append(fds,
			unix.PollFd{Fd: int32(p.adverts.FD()), Events: unix.POLLIN},
			unix.PollFd{Fd: int32(p.arp.FD()), Events: unix.POLLIN})
	}
	timeout := heartbeat
	if deadline := l.node.Deadline(); !deadline.IsZero() {
		timeout = min(max(deadline.Sub(now()), 0), heartbeat)
	}
	ts := unix.NsecToTimespec(timeout.Nanoseconds())
	if _, err := unix.Ppoll(fds, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// receive empties the sockets.
func (l *loop) receive() {
	for _, name := range l.order {
		p := l.ports[name]
		l.receiveAdverts(p)
		l.receiveARP(p)
	}
}

// maxBurst bounds how many packets one round takes from a flooded socket.
const maxBurst = 512

func (l *loop) receiveAdverts(p *port) {
	for range maxBurst {
		ev, refused, done, err := p.receive(&l.pkt, &l.ad)
		switch {
		case err != nil:
			l.journal.limited(p.link.Name+" receive", "receive", err.Error())
			return
		case done:
			return
		case refused != "":
			l.refused(p, refused)
		default:
			p.count.received++
			l.step(ev)
		}
	}
}

// refused counts a packet, and tells it now and then.
func (l *loop) refused(p *port, refused vrrp.Refusal) {
	source, count := p.count.refuse(refused, l.pkt.Envelope.Source)
	from := sourceWord(source)
	l.journal.limited(p.link.Name+string(refused)+from, "advert-refused",
		fmt.Sprintf("%s: adverts of %s refused (%s), %d so far: %s", p.link.Name, from, refused, count, refused.Remedy()))
}

func (l *loop) receiveARP(p *port) {
	for range maxBurst {
		name, who, done, err := p.heard()
		switch {
		case err != nil:
			l.journal.limited(p.link.Name+" arp", "receive", err.Error())
			return
		case done:
			return
		case name != "":
			l.step(supervisor.RouterEvent{Router: name, Event: l.claim(name, who)})
		}
	}
}

// claim is what somebody else's ARP means to a router: an answer to who waits for the
// address, a claim to who holds it. Each state ignores the other one's event.
func (l *loop) claim(name, who string) vrrp.Event {
	if l.node.Active(name) {
		return vrrp.Claimed{By: who}
	}
	return vrrp.Answered{Holder: who}
}

// read empties the mailbox.
func (l *loop) read() {
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
	for _, a := range l.node.Step(now(), ev) {
		l.do(a)
	}
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

func (l *loop) routerAction(r supervisor.Router, a vrrp.Action) {
	switch a := a.(type) {
	case vrrp.Enter:
		l.journal.transition(r, l.node, a)
		return
	case vrrp.Note:
		l.remarks.add(r.Name, a)
		l.journal.note(supervisor.Note{Router: r.Name, Reason: a.Reason, Detail: a.Detail})
		return
	}
	p := l.ports[r.Interface]
	if p == nil {
		return // the interface is gone, and with it all that could be done on it
	}
	var err error
	switch a := a.(type) {
	case vrrp.Send:
		err = l.send(p, r, a.Priority)
	case vrrp.Announce:
		err = p.announce(r)
	case vrrp.Probe:
		err = p.probe(r)
	case vrrp.Own:
		l.hands.hold(r, p.link.Index, put)
	case vrrp.Refresh:
		l.hands.hold(r, p.link.Index, refresh)
	case vrrp.Disown:
		l.hands.hold(r, p.link.Index, remove)
	}
	if err != nil {
		l.journal.limited(r.Name+" send", "send-failed", fmt.Sprintf("%s: %s: %v", r.Name, a, err))
	}
}

func (l *loop) send(p *port, r supervisor.Router, priority uint8) error {
	if primary := l.node.Primary(r.Name); primary.IsValid() { // else r was removed, or its address: the last one
		p.primary = primary
	}
	if err := p.send(r, priority); err != nil {
		p.count.sendErrors++
		return err
	}
	p.count.sent++
	return nil
}

// linked opens, reopens or closes the sockets of an interface before the Node hears of
// its change.
func (l *loop) linked(i vrrpnet.Interface) {
	if len(l.routersOn(i.Name)) == 0 { // from before the configuration changed
		delete(l.unusable, i.Name)
		return
	}
	if i.Err != nil { // the rest is what was last seen
		l.journal.limited("watch "+i.Name, "link-unknown", i.Name+": the kernel does not tell its state: "+i.Err.Error())
		return
	}
	ev := supervisor.LinkChanged{Interface: i.Name, Exists: i.Exists, Up: i.Up && i.Carrier}
	for _, a := range i.Addresses {
		ev.Addresses = append(ev.Addresses, a.Prefix)
	}
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

// retryEvery is how often an interface that could not be used is tried again.
const retryEvery = time.Second

// retry tries the unusable interfaces again.
func (l *loop) retry() {
	if len(l.unusable) == 0 || now().Before(l.retryAt) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(l.unusable)) {
		l.linked(l.seen[name])
	}
}

// open tells whether the sockets had to be opened, for the first time or anew.
func (l *loop) open(link vrrpnet.Link) (bool, error) {
	if p := l.ports[link.Name]; p != nil {
		if p.link.Index == link.Index && slices.Equal(p.link.MAC, link.MAC) {
			return false, nil
		}
		l.shut(link.Name)
	}
	p, err := openPort(link, l.routersOn(link.Name))
	if err != nil {
		return true, err
	}
	l.ports[link.Name] = p
	l.order = append(l.order, link.Name)
	return true, nil
}

func (l *loop) routersOn(name string) []supervisor.Router {
	var on []supervisor.Router
	for _, r := range l.cfg.Routers {
		if r.Interface == name {
			on = append(on, r)
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
	l.order = slices.DeleteFunc(l.order, func(n string) bool { return n == name })
}

func (l *loop) closePorts() {
	for len(l.order) > 0 {
		l.shut(l.order[0])
	}
}

// configure changes what is served; sockets that are still wanted stay open.
func (l *loop) configure(cfg supervisor.Config) {
	l.cfg, l.routers = cfg, byName(cfg.Routers)
	for _, name := range slices.Clone(l.order) {
		routers := l.routersOn(name)
		if len(routers) == 0 {
			l.shut(name)
		} else if err := l.ports[name].serve(routers); err != nil {
			l.journal.warn("socket", err.Error())
			l.shut(name)
			l.unusable[name] = true // tried again at once
		}
	}
	l.hands.configure(cfg)
}

func byName(routers []supervisor.Router) map[string]supervisor.Router {
	m := make(map[string]supervisor.Router, len(routers))
	for _, r := range routers {
		m[r.Name] = r
	}
	return m
}
