package vrrpnet

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// gateName is what the tables of the host's first daemon are called. Those of another
// one, with another pair, get a number.
const gateName = "pairkeeper"

const gatesAtMost = 16

// claimTable finds a name that no other living daemon uses.
func claimTable() (*Claim, string, error) {
	for n := range gatesAtMost {
		name := gateName
		if n > 0 {
			name += "-" + strconv.Itoa(n+1)
		}
		c, err := claimGate(name)
		if !errors.Is(err, unix.EADDRINUSE) {
			return c, name, err
		}
	}
	return nil, "", fmt.Errorf("%d other pairkeepers have a gate on this host: stop one", gatesAtMost)
}

// claimGate takes the name of tables; EADDRINUSE: who made them lives.
func claimGate(name string) (*Claim, error) {
	c, err := claim("gate/" + name)
	if err != nil {
		return nil, fmt.Errorf("claiming the gate %s: %w", name, err)
	}
	return c, nil
}

// CleanUpGates removes the tables that dead daemons left, and returns their names. The
// addresses have to go before: they are open to all after it.
func CleanUpGates() ([]string, error) {
	socket, err := openNetlink(unix.NETLINK_NETFILTER, 0)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, nil // nobody can have left any
	}
	if err != nil {
		return nil, err
	}
	names, err := socket.gates()
	problems := []error{err}
	var removed []string
	for _, name := range names {
		c, err := claimGate(name)
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err == nil {
			err = errors.Join(socket.removeGate(new(nftBatch), name), c.Close())
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		removed = append(removed, name)
	}
	return removed, errors.Join(append(problems, socket.Close())...)
}

// removeGate removes tables, also where they are not there.
func (s *routeSocket) removeGate(b *nftBatch, name string) error {
	b.begin()
	for _, family := range gateFamilies {
		b.removeTable(family, name)
	}
	refused, err := s.commit(b)
	if err := errors.Join(err, reasons(refused)); err != nil {
		return fmt.Errorf("removing the gate %s: %w", name, explain(err, capNetAdmin))
	}
	return nil
}

// gates lists the names of tables that are ours by their name.
func (s *routeSocket) gates() ([]string, error) {
	var names []string
	err := s.dump(unix.NFT_MSG_GETTABLE, unix.NFPROTO_UNSPEC, nil, func(attrs map[uint16][]byte) {
		name := unix.ByteSliceToString(attrs[unix.NFTA_TABLE_NAME])
		number, numbered := strings.CutPrefix(name, gateName+"-")
		if _, err := strconv.Atoi(number); name == gateName || numbered && err == nil {
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// guarded lists what the tables of a name guard; none, where there are none.
func (s *routeSocket) guarded(name string) ([]netip.Addr, error) {
	var found []netip.Addr
	for i := range gateSets {
		set := &gateSets[i]
		var question nftBatch
		question.text(unix.NFTA_SET_ELEM_LIST_TABLE, name)
		question.text(unix.NFTA_SET_ELEM_LIST_SET, set.guarded)
		err := s.dump(unix.NFT_MSG_GETSETELEM, set.family, question.out, func(attrs map[uint16][]byte) {
			elements, _ := nl.ParseRouteAttr(attrs[unix.NFTA_SET_ELEM_LIST_ELEMENTS])
			for _, e := range elements {
				key := nested(nested(e.Value)[unix.NFTA_SET_ELEM_KEY])
				if a, ok := netip.AddrFromSlice(key[unix.NFTA_DATA_VALUE]); ok {
					found = append(found, a)
				}
			}
		})
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return nil, err
		}
	}
	return found, nil
}

// dump asks nf_tables for a list, and gives the attributes of each entry.
func (s *routeSocket) dump(kind int, family byte, question []byte, each func(map[uint16][]byte)) error {
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, unix.NLM_F_DUMP)
	request.AddRawData(append([]byte{family, 0, 0, 0}, question...))
	errs, err := s.ask([]*nl.NetlinkRequest{request}, func(m *syscall.NetlinkMessage) {
		if len(m.Data) >= sizeofNfGenMsg {
			each(nested(m.Data[sizeofNfGenMsg:]))
		}
	})
	return errors.Join(append(errs, err)...)
}
