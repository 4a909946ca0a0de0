package doctornet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// questions is how often an address is asked for.
const questions = 3

// patience is how long an answer may take, so that all are there when the listening ends.
func (r *reader) patience() time.Duration { return max(r.Listened/(questions+1), 50*time.Millisecond) }

// ask asks on the routers' interfaces who has the virtual addresses that this node has not,
// and who has the other node's own.
func (r *reader) ask() {
	type medium struct {
		name string
		ipv6 bool
	}
	wanted := map[medium][]netip.Addr{}
	for i := range r.Config.Routers {
		one := &r.Config.Routers[i]
		m := medium{one.Interface, one.IPv6()}
		add := func(a netip.Addr) {
			if a.IsValid() && a.Is6() == m.ipv6 && r.ifaceOf(a) == "" && !slices.Contains(wanted[m], a) {
				wanted[m] = append(wanted[m], a)
			}
		}
		for _, a := range one.Addresses {
			add(a.Prefix.Addr())
		}
		add(one.Peer)
		add(r.Config.Heartbeat.Other)
		for _, p := range one.Format.Peers {
			add(p.Address)
		}
	}
	for m, addrs := range wanted {
		if err := r.askOn(m.name, m.ipv6, addrs); err != nil {
			r.unread(doctor.AreaPackets, fmt.Sprintf("asking on %s who has the addresses: %v", m.name, permitted(err)))
		}
	}
}

func (r *reader) askOn(name string, ipv6 bool, addrs []netip.Addr) error {
	i := slices.IndexFunc(r.Interfaces, func(one doctor.Interface) bool { return one.Name == name })
	if i < 0 || !r.Interfaces[i].Up {
		return nil // that is said elsewhere
	}
	mac, err := net.ParseMAC(r.Interfaces[i].MAC)
	if err != nil {
		return nil // no Ethernet: nobody is asked
	}
	ear, err := open(vrrpnet.Link{Name: name, Index: r.Interfaces[i].Index, MAC: mac}, ipv6)
	if err != nil {
		return err
	}
	defer func() { _ = ear.Close() }()
	if err := ear.Watch(addrs); err != nil {
		return err
	}
	macs := map[netip.Addr][]string{}
	for range questions {
		for _, a := range addrs {
			if err := ear.Probe(a); err != nil {
				return err
			}
		}
		if err := answers(ear, macs, r.patience()); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range addrs {
		r.Answers = append(r.Answers, doctor.Answer{Interface: name, Address: a, MACs: macs[a]})
	}
	return nil
}

func open(link vrrpnet.Link, ipv6 bool) (vrrpnet.Neighbours, error) {
	if ipv6 {
		return vrrpnet.OpenNDP(link)
	}
	return vrrpnet.OpenARP(link)
}

// answers collects who answers within a time.
func answers(ear vrrpnet.Neighbours, macs map[netip.Addr][]string, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(ear.FD()), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		for {
			h, ok, err := ear.Receive()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if mac := h.MAC.String(); !h.Probe && !slices.Contains(macs[h.Address], mac) {
				macs[h.Address] = append(macs[h.Address], mac)
			}
		}
	}
}
