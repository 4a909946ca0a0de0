package ipvsnet

import (
	"errors"
	"fmt"
	"sync"
	"time"

	moby "github.com/moby/ipvs"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// Kernel is the IPVS table of the network namespace that it was opened in. Its methods are
// not for use by several goroutines at once.
type Kernel struct {
	family  uint16
	sockets map[int]*nl.SocketHandle // one of generic netlink
	moby    *moby.Handle
	tried   map[string]bool // the modules of schedulers that were to be loaded
}

// familyName is what the kernel calls IPVS among the families of generic netlink.
const familyName = "IPVS"

// answerTimeout bounds how long the kernel may take to answer.
var answerTimeout = unix.NsecToTimeval((10 * time.Second).Nanoseconds())

// Open opens the table, after loading the module where that is possible.
func Open() (*Kernel, error) {
	family, err := present()
	if err != nil {
		return nil, err
	}
	if err := mobyKnows(family); err != nil {
		return nil, err
	}
	socket, err := nl.Subscribe(unix.NETLINK_GENERIC)
	if err != nil {
		return nil, err
	}
	if err := socket.SetReceiveTimeout(&answerTimeout); err != nil {
		socket.Close()
		return nil, err
	}
	handle, err := moby.New("")
	if err != nil {
		socket.Close()
		return nil, err
	}
	sockets := map[int]*nl.SocketHandle{unix.NETLINK_GENERIC: {Socket: socket}}
	return &Kernel{family: family, sockets: sockets, moby: handle, tried: map[string]bool{}}, nil
}

// Prepare does what has to be done once in the life of a process before it is real-time:
// moby/ipvs runs modprobe the first time it is used, even if there is nothing to load, and
// that would run under the policy of the process. What is missing Open will tell.
func Prepare() {
	if k, err := Open(); err == nil {
		k.Close()
	}
}

// Close leaves the table as it is.
func (k *Kernel) Close() {
	k.sockets[unix.NETLINK_GENERIC].Close()
	k.moby.Close()
}

func findFamily(name string) (uint16, error) {
	f, err := netlink.GenlFamilyGet(name)
	if err != nil {
		return 0, err
	}
	return f.ID, nil
}

// first is the number that moby/ipvs has for the family. It asks for it once in the life of
// the process; where the module was loaded anew it would talk to another family.
var first struct {
	sync.Mutex
	family uint16
}

func mobyKnows(family uint16) error {
	first.Lock()
	defer first.Unlock()
	if first.family == 0 {
		first.family = family
	}
	if first.family != family {
		return errors.New("the kernel's module ip_vs was unloaded and loaded again: restart pairkeeper")
	}
	return nil
}

// ask sends a command and returns the messages of the answer.
func (k *Kernel) ask(command uint8, flags int, attrs ...*nl.RtAttr) ([][]byte, error) {
	req := nl.NewNetlinkRequest(int(k.family), flags)
	req.Sockets = k.sockets
	req.AddData(header{command})
	for _, a := range attrs {
		req.AddData(a)
	}
	return req.Execute(unix.NETLINK_GENERIC, 0)
}

// dumps is how often a list is asked for that changes meanwhile.
const dumps = 3

// list asks for all of something, until nobody changes it meanwhile.
func (k *Kernel) list(command uint8, attrs ...*nl.RtAttr) (msgs [][]byte, err error) {
	for range dumps {
		msgs, err = k.ask(command, unix.NLM_F_DUMP, attrs...)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			return msgs, err
		}
	}
	return nil, err
}

// Services are all services, without their servers.
func (k *Kernel) Services() ([]Usage, error) {
	msgs, err := k.list(cmdGetService)
	if err != nil {
		return nil, fmt.Errorf("read the services of IPVS: %w", err)
	}
	list := make([]Usage, 0, len(msgs))
	for _, m := range msgs {
		u, err := decodeService(m)
		if err != nil {
			return nil, fmt.Errorf("read the services of IPVS: %w", err)
		}
		list = append(list, u)
	}
	return list, nil
}

// Fill reads the servers of a service; of one that is gone there are none.
func (k *Kernel) Fill(u *Usage) error {
	key := u.Service.Key
	msgs, err := k.list(cmdGetDest, encodeKey(key))
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the servers of %s: %w", key, err)
	}
	u.Service.Servers, u.Servers = make([]ipvs.Server, 0, len(msgs)), make([]ServerUsage, 0, len(msgs))
	for _, m := range msgs {
		s, usage, err := decodeServer(m, uint64(familyOf(key.Is6())))
		if err != nil {
			return fmt.Errorf("read the servers of %s: %w", key, err)
		}
		u.Service.Servers, u.Servers = append(u.Service.Servers, s), append(u.Servers, usage)
	}
	return nil
}

// Usage is all services with their servers, and what they have counted.
func (k *Kernel) Usage() ([]Usage, error) {
	list, err := k.Services()
	for i := range list {
		if err == nil {
			err = k.Fill(&list[i])
		}
	}
	return list, err
}

func (k *Kernel) syncs() ([]ipvs.Sync, error) {
	msgs, err := k.list(cmdGetDaemon)
	if err != nil {
		return nil, fmt.Errorf("read the sync daemons of IPVS: %w", err)
	}
	var list []ipvs.Sync
	for _, m := range msgs {
		s, err := decodeSync(m)
		if err != nil {
			return nil, fmt.Errorf("read the sync daemons of IPVS: %w", err)
		}
		list = append(list, s)
	}
	return list, nil
}

func (k *Kernel) timeouts() (ipvs.Timeouts, error) {
	msgs, err := k.ask(cmdGetConfig, unix.NLM_F_ACK)
	if err == nil && len(msgs) == 0 {
		err = errShort
	}
	if err != nil {
		return ipvs.Timeouts{}, fmt.Errorf("read the time-outs of IPVS: %w", err)
	}
	return decodeTimeouts(msgs[0])
}
