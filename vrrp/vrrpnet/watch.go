package vrrpnet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Interface is the level of one interface at one moment.
type Interface struct {
	Link
	Exists    bool
	Up        bool // by the administrator
	Carrier   bool // the cable; never without Up
	Addresses []Found
	Asked     time.Time // when the kernel was asked: what changed since may not be in it
	// Restored are those of Addresses that somebody else removed since the last time, as far
	// as the kernel says who did (IPv4).
	Restored []netip.Prefix

	// Err is set while the kernel cannot be asked; the rest is then what was last
	// seen.
	Err error
}

// same tells whether i and j differ in nothing but the time that addresses have left,
// and when the kernel was asked.
func (i *Interface) same(j *Interface) bool {
	return i.Name == j.Name && i.Index == j.Index && slices.Equal(i.MAC, j.MAC) &&
		i.Exists == j.Exists && i.Up == j.Up && i.Carrier == j.Carrier &&
		slices.EqualFunc(i.Addresses, j.Addresses, Found.same) &&
		(i.Err == nil) == (j.Err == nil)
}

// Watch tells every named interface once, and again whenever it differs, until ctx
// ends; an interface need not be there yet. tell is called from one goroutine and
// gets the whole level each time: a slow one misses steps, never the last. It is not
// woken by the refreshes of own, as far as the kernel says whose they are (IPv4), and takes
// what own removes for nobody else's doing.
func Watch(ctx context.Context, names []string, tell func(Interface), own ...*Addresses) error {
	events, err := openRoute(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR)
	if err != nil {
		return err
	}
	questions, err := openRoute(0)
	if err != nil {
		return errors.Join(err, events.Close())
	}
	if err := events.spare(own); err != nil {
		return errors.Join(err, questions.Close(), events.Close())
	}
	w := newWatch(names, tell)
	for _, a := range own {
		port, err := a.socket.port()
		if err != nil {
			return errors.Join(err, questions.Close(), events.Close())
		}
		w.own = append(w.own, port)
	}
	w.events, w.questions = events, questions
	go w.run(ctx)
	return nil
}

// spare has the kernel drop the notices of what others refresh.
func (s *routeSocket) spare(others []*Addresses) error {
	var ports []uint32
	for _, a := range others {
		port, err := a.quiet.port()
		if err != nil {
			return fmt.Errorf("netlink socket: its port: %w", err)
		}
		ports = append(ports, port)
	}
	var failure error
	err := s.raw.Control(func(fd uintptr) { failure = attach(int(fd), noticeFilter(ports)) })
	if err := errors.Join(err, failure); err != nil {
		return fmt.Errorf("filter of the netlink socket: %w", err)
	}
	return nil
}

type watch struct {
	events    *routeSocket // subscribed
	questions *routeSocket
	tell      func(Interface)
	seen      []Interface // as last told
	told      []bool
	due       []bool           // to be looked at: something was noticed, or it could not be seen
	removed   [][]netip.Prefix // by somebody else, since the last look
	own       []uint32         // ports of the sockets that remove what is ours
}

func newWatch(names []string, tell func(Interface)) *watch {
	w := &watch{tell: tell, told: make([]bool, len(names)), due: make([]bool, len(names)), removed: make([][]netip.Prefix, len(names))}
	for _, name := range names {
		w.seen = append(w.seen, Interface{Link: Link{Name: name}})
	}
	w.allDue()
	return w
}

func (w *watch) allDue() {
	for i := range w.due {
		w.due[i] = true
	}
}

// askAgain is when an unanswered question is put again.
const askAgain = time.Second

func (w *watch) run(ctx context.Context) {
	defer func() { _ = errors.Join(w.questions.Close(), w.events.Close()) }()
	defer context.AfterFunc(ctx, func() { _ = w.events.Close() })()
	for ctx.Err() == nil {
		deadline := time.Time{}
		if !w.look(ctx) {
			deadline = time.Now().Add(askAgain)
		}
		if w.wait(deadline) != nil && ctx.Err() == nil {
			w.pause(ctx)
		}
	}
}

// pause keeps a socket that errs at once from keeping a core busy.
func (w *watch) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(askAgain):
	}
}

// look tells what differs from before; false: not all could be seen.
func (w *watch) look(ctx context.Context) bool {
	all := true
	for i := range w.seen {
		if !w.due[i] {
			continue
		}
		now := w.examine(&w.seen[i])
		w.due[i] = now.Err != nil
		all = all && !w.due[i]
		now.Restored = now.restored(w.removed[i])
		if now.Err == nil {
			w.removed[i] = nil
		}
		if ctx.Err() != nil || w.told[i] && now.same(&w.seen[i]) && len(now.Restored) == 0 {
			continue
		}
		w.seen[i], w.told[i] = now, true
		w.tell(now)
	}
	return all
}

// restored are those of some addresses that i has.
func (i *Interface) restored(removed []netip.Prefix) (list []netip.Prefix) {
	for _, p := range removed {
		if slices.ContainsFunc(i.Addresses, func(f Found) bool { return f.Prefix == p }) {
			list = append(list, p)
		}
	}
	return list
}

func (w *watch) examine(before *Interface) Interface {
	asked := time.Now()
	attrs, err := w.questions.link(before.Name, 0)
	if err != nil {
		return before.unseen(err)
	}
	now := Interface{Link: Link{Name: before.Name}, Asked: asked}
	if attrs == nil {
		return now
	}
	now.Index, now.MAC, now.Exists = attrs.Index, attrs.HardwareAddr, true
	now.Up = attrs.RawFlags&unix.IFF_UP != 0
	now.Carrier = attrs.RawFlags&unix.IFF_LOWER_UP != 0
	now.Addresses, err = w.questions.addresses(now.Index, now.Name)
	if err != nil {
		return before.unseen(err)
	}
	return now
}

// unseen is i while the kernel cannot be asked.
func (i *Interface) unseen(err error) Interface {
	then := *i
	then.Err = err
	return then
}

// wait returns when something may have changed, or at the deadline, if there is one.
func (w *watch) wait(deadline time.Time) error {
	for {
		messages, err := w.events.receive(deadline)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case errors.Is(err, unix.ENOBUFS): // notices were lost
			w.allDue()
			w.drain()
			return nil
		case err != nil:
			return err
		case w.notice(messages):
			w.drain()
			return nil
		}
	}
}

// drain takes what else is there: one look will see it all.
func (w *watch) drain() {
	for {
		messages, err := w.events.pending()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			w.allDue()
		case err != nil:
			return
		}
		w.notice(messages)
	}
}

// notice marks the interfaces that are to be looked at again; false: none.
func (w *watch) notice(messages []syscall.NetlinkMessage) bool {
	found := false
	for i := range messages {
		m := &messages[i]
		switch m.Header.Type {
		case unix.RTM_NEWLINK, unix.RTM_DELLINK:
			found = w.noticeLink(m) || found
		case unix.RTM_NEWADDR, unix.RTM_DELADDR:
			found = w.noticeAddress(m) || found
		}
	}
	return found
}

func (w *watch) noticeLink(m *syscall.NetlinkMessage) (found bool) {
	if len(m.Data) < unix.SizeofIfInfomsg {
		return false
	}
	index := int(nl.DeserializeIfInfomsg(m.Data).Index)
	link, err := netlink.LinkDeserialize((*unix.NlMsghdr)(&m.Header), m.Data)
	for i := range w.seen {
		if err != nil || w.seen[i].Index == index || w.seen[i].Name == link.Attrs().Name {
			w.due[i], found = true, true
		}
	}
	return found
}

// noticeAddress passes over the notice that every refresh of a lifetime makes.
func (w *watch) noticeAddress(m *syscall.NetlinkMessage) bool {
	if len(m.Data) < unix.SizeofIfAddrmsg {
		return false
	}
	index := int(nl.DeserializeIfAddrmsg(m.Data).Index)
	at := slices.IndexFunc(w.seen, func(i Interface) bool { return i.Index == index })
	if at < 0 {
		return false
	}
	_, f, ok := readAddress(m.Data)
	if ok && m.Header.Type == unix.RTM_DELADDR && m.Header.Pid != 0 && !slices.Contains(w.own, m.Header.Pid) {
		w.removed[at] = append(w.removed[at], f.Prefix)
	}
	if w.due[at] {
		return true
	}
	if f.Label == w.seen[at].Name {
		f.Label = ""
	}
	w.due[at] = !ok || m.Header.Type == unix.RTM_DELADDR || !slices.ContainsFunc(w.seen[at].Addresses, f.same)
	return w.due[at]
}
