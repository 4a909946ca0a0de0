package daemon

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/internal/realtime"
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
	node     *supervisor.Node
	mail     *mailbox
	hands    *hands
	journal  *journal
	recorder recorder
	ports    map[string]*port
	cfg      supervisor.Config
	routers  map[string]*served
	links    []string // the interfaces of cfg
	remarks  remarks

	poll     []unix.PollFd // the mailbox first
	sources  []source      // what poll's other descriptors are
	polled   time.Time     // when they were last looked at
	reopened bool          // sockets were opened or closed since poll was made

	seen     map[string]vrrpnet.Interface // as last told
	unusable map[string]bool              // could not be opened
	retryAt  time.Time

	resumed []supervisor.Bridged // what the daemon before has left

	beats   atomic.Uint64 // completed rounds
	stopped bool

	pkt     vrrpnet.Packet
	actions []supervisor.Action // memory of the last step, used again
}

// run ends after a Stop event.
func (l *loop) run() error {
	runtime.LockOSThread()
	if err := realtime.Raise(); err != nil {
		l.journal.warn(logbook.Timing, fmt.Sprintf("SCHED_RR is refused (%v): adverts may be late under load; grant CAP_SYS_NICE", err))
	}
	l.reopened = true
	l.recorder.begin(now(), nil)
	l.step(supervisor.Start{Session: rand.Uint64(), Fenced: l.hands.fenced.has(l.cfg.Peer), Resumed: l.resumed})
	l.restoreModes()
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
		l.journal.sweep()
		l.recorder.sweep(now())
		l.beats.Add(1)
	}
	l.closePorts()
	l.recorder.end(now())
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
			l.journal.limited(r.Name+" announce", logbook.SendFailed, r.Name+": announce: "+err.Error(), fieldsOf(r.Router, netip.Addr{})...)
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
	at := now()
	actions := l.node.Append(l.actions, at, ev)
	l.recorder.step(at, l.node, ev, actions)
	l.actions = nil // what is done may be a step again
	l.shutOut(actions)
	for _, a := range actions {
		l.do(a)
	}
	clear(actions)
	l.actions = actions[:0]
	l.hands.commit()
	l.stopped = l.node.Stopping()
}

// shutOut shuts the gate of whoever is to leave, all of a step at once, before any of them
// says so: the other node may take the address as soon as it hears that.
func (l *loop) shutOut(actions []supervisor.Action) {
	var leave, drain []vrrpnet.Opening
	for _, a := range actions {
		a, _ := a.(supervisor.RouterAction)
		disown, leaves := a.Action.(vrrp.Disown)
		switch r := l.routers[a.Router]; {
		case !leaves || r == nil:
		case disown.Drain:
			drain = append(drain, r.gated...)
		default:
			leave = append(leave, r.gated...)
		}
	}
	if len(leave)+len(drain) > 0 {
		l.hands.keeper.gates.shutOut(leave, drain)
	}
}

func (l *loop) do(a supervisor.Action) {
	switch a := a.(type) {
	case supervisor.RouterAction:
		l.routerAction(l.routers[a.Router], a.Action)
	case supervisor.RunTest:
		l.hands.runTest(a)
	case supervisor.Restart:
		l.hands.restart(a)
	case supervisor.Halt:
		l.hands.halt()
	case supervisor.Reload:
		l.hands.reload(a)
	case supervisor.LookNow:
		l.hands.lookNow(a)
	case supervisor.Beat:
		a.Heartbeat.Proxy, a.Heartbeat.Clock = digestOf(l.hands.configHash), time.Now().UnixNano()
		l.hands.wires.beat(a)
	case supervisor.AskVote:
		l.hands.askVote(a)
	case supervisor.Configure:
		l.configure(a.Config)
	case supervisor.Note:
		l.note(a)
	case supervisor.Moved:
		l.moved(a)
	case supervisor.RunHook:
		l.runHook(a)
	case supervisor.Reassert:
		l.reassert(a)
	case supervisor.KeepModes:
		l.hands.keepModes(a)
	case supervisor.Remember:
		l.hands.remember(a)
	case supervisor.Shoot:
		l.hands.shoot(a)
	case supervisor.Bridge:
		l.hands.bridge(a)
	case supervisor.Spread:
		l.hands.balancer.spread(a.Table)
	case supervisor.PoolAction:
		l.poolAction(a)
	}
}

// note writes what the Node noted. Of a router in FAULT it is also that there is another
// cause now.
func (l *loop) note(n supervisor.Note) {
	r := l.routers[n.Router]
	if r == nil {
		l.journal.note(n)
		return
	}
	fields := fieldsOf(r.Router, netip.Addr{})
	if view := l.node.Router(n.Router); view.State == vrrp.Fault && view.Reason == n.Reason {
		fields = append(fields, transitionFields(vrrp.Fault, vrrp.Fault, view.Priority)...)
	}
	l.journal.note(n, fields...)
}
