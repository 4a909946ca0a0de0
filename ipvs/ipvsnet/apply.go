package ipvsnet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	moby "github.com/moby/ipvs"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/ipvs"
)

// Refused is a change that the kernel did not make.
type Refused struct {
	Op  ipvs.Op
	Err error
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %s", r.Op, explain(r.Op, r.Err)) }
func (r *Refused) Unwrap() error { return r.Err }

// Apply makes some changes, in order. One that is refused keeps none of the others from
// being made, but those of a service that could not be added.
func (k *Kernel) Apply(ops []ipvs.Op) error {
	var errs []error
	missing := map[ipvs.Key]bool{}
	for len(ops) > 0 {
		n := run(ops)
		some := slices.DeleteFunc(slices.Clone(ops[:n]), func(op ipvs.Op) bool {
			add, ok := op.(ipvs.AddServer)
			return ok && missing[add.Key]
		})
		for i, err := range k.make(some) {
			if err == nil {
				continue
			}
			if add, ok := some[i].(ipvs.AddService); ok {
				missing[add.Key] = true
			}
			errs = append(errs, &Refused{some[i], err})
		}
		ops = ops[n:]
	}
	return errors.Join(errs...)
}

// run is how many of the first changes can be made together.
func run(ops []ipvs.Op) int {
	n := 0
	for n < len(ops) && ofServer(ops[n]) {
		n++
	}
	return max(n, 1)
}

// make makes changes that can be made together, and tells of each how it ended.
func (k *Kernel) make(ops []ipvs.Op) []error {
	if len(ops) == 1 {
		return []error{k.apply(ops[0])}
	}
	return k.batch(ops)
}

// apply makes one change; with moby/ipvs, where that can say it.
func (k *Kernel) apply(op ipvs.Op) error {
	switch op := op.(type) {
	case ipvs.AddService:
		if err := k.loadScheduler(op.Options.Scheduler); err != nil {
			return err
		}
		return k.moby.NewService(service(op.Key, op.Options))
	case ipvs.EditService:
		if err := k.loadScheduler(op.Options.Scheduler); err != nil {
			return err
		}
		return k.moby.UpdateService(service(op.Key, op.Options))
	case ipvs.RemoveService:
		return k.moby.DelService(service(op.Key, ipvs.Options{}))
	case ipvs.AddServer:
		if plain(op.Key, op.Server) {
			return k.moby.NewDestination(service(op.Key, ipvs.Options{}), server(op.Server))
		}
	case ipvs.EditServer:
		if plain(op.Key, op.Server) {
			return k.moby.UpdateDestination(service(op.Key, ipvs.Options{}), server(op.Server))
		}
	case ipvs.RemoveServer:
		if s := (ipvs.Server{Address: op.Address}); plain(op.Key, s) {
			return k.moby.DelDestination(service(op.Key, ipvs.Options{}), server(s))
		}
	case ipvs.SetTimeouts:
		return k.moby.SetConfig(&moby.Config{TimeoutTCP: op.Timeouts.TCP, TimeoutTCPFin: op.Timeouts.TCPFin, TimeoutUDP: op.Timeouts.UDP})
	case ipvs.StartSync:
		return k.tell(cmdNewDaemon, encodeSync(op.Sync))
	case ipvs.StopSync:
		return k.tell(cmdDelDaemon, encodeSync(ipvs.Sync{Role: op.Role}))
	}
	command, key, server := encodeChange(op)
	return k.tell(command, key, server)
}

// tell sends a command that is answered with yes or no.
func (k *Kernel) tell(command uint8, attrs ...*nl.RtAttr) error {
	_, err := k.ask(command, unix.NLM_F_ACK, attrs...)
	return err
}

// explain says what a refusal of the kernel means, and what to do.
func explain(op ipvs.Op, err error) string {
	switch op := op.(type) {
	case ipvs.AddService:
		if errors.Is(err, unix.ENOENT) {
			return "the kernel has no " + moduleOf(op.Options)
		}
	case ipvs.EditService:
		if errors.Is(err, unix.ENOENT) {
			return "the kernel has no " + moduleOf(op.Options)
		}
	case ipvs.AddServer:
		if errors.Is(err, unix.EINVAL) && op.Server.Address.Addr().Is6() != op.Key.Is6() {
			return "the kernel takes a server of another family only behind a tunnel, and with no sync daemon running"
		}
	case ipvs.StartSync:
		if errors.Is(err, unix.ENODEV) {
			return "there is no interface " + op.Sync.Interface
		}
	}
	switch {
	case errors.Is(err, unix.EPERM):
		return "CAP_NET_ADMIN is missing: run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN"
	case errors.Is(err, unix.EEXIST):
		return "it is there already"
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		return "it is not there any more"
	}
	return err.Error()
}

// moduleOf names what a service needs of the kernel, and what there is.
func moduleOf(o ipvs.Options) string {
	text := "scheduler " + o.Scheduler
	if have, all := schedulersHere(); len(have) > 0 && all {
		text += " (it has " + strings.Join(have, ", ") + ")"
	} else if len(have) > 0 {
		text += " (loaded are " + strings.Join(have, ", ") + ")"
	}
	text += ": " + loadIt(schedulerModule(o.Scheduler))
	if o.Engine != "" {
		text += "; or no persistence engine " + o.Engine + ": " + loadIt("ip_vs_pe_"+o.Engine)
	}
	return text
}
