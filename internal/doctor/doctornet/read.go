// Package doctornet reads of a host what package doctor judges. It changes nothing: it
// listens, asks by ARP without claiming an address, and reads what the kernel, systemd and
// the packet filter tell.
package doctornet

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/bindings"
	"github.com/pairkeeper/pairkeeper/internal/doctor"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/proxynet"
)

// Options are what is to be read.
type Options struct {
	Config        supervisor.Config
	File, Version string         // of the configuration; of this program
	Listen        time.Duration  // for how long to listen to the network
	Daemon        *doctor.Daemon // what it says; nil: it does not answer
	DaemonError   string         // why it could not be asked, though it may be there; empty: it could
}

// reader gathers the facts; what cannot be read is noted.
type reader struct {
	doctor.Facts
	mu sync.Mutex // of Unread, Adverts, Beats and Answers
}

func (r *reader) unread(area doctor.Area, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := doctor.Unread{Area: area, Why: why}
	if !slices.Contains(r.Unread, u) {
		r.Unread = append(r.Unread, u)
	}
}

// Read reads everything. It takes as long as it listens.
func Read(ctx context.Context, o Options) *doctor.Facts {
	r := &reader{Facts: doctor.Facts{Config: o.Config, File: o.File, Version: o.Version, Daemon: o.Daemon, Listened: o.Listen, Unread: []doctor.Unread{}}}
	if o.DaemonError != "" {
		r.unread(doctor.AreaDaemon, o.DaemonError)
	}
	r.interfaces()
	var wire sync.WaitGroup
	wire.Go(func() { r.listen(ctx, o.Listen) })
	wire.Go(r.ask)
	r.sysctls()
	r.kernel()
	r.processes()
	r.units(ctx)
	r.privileges()
	r.managers()
	r.filter(ctx)
	r.listeners()
	r.bindings()
	r.test(ctx)
	wire.Wait()
	return &r.Facts
}

// test runs the proxy's own test, which for anybody but root fails for want of permission.
func (r *reader) test(ctx context.Context) {
	p := &r.Config.Proxy
	switch {
	case len(p.Test) == 0:
	case os.Geteuid() != 0:
		r.unread(doctor.AreaTest, "the proxy's test: run doctor as root")
	default:
		if err := proxynet.RunTest(ctx, p.Test, p.TestTimeout); err != nil {
			r.TestError = err.Error()
		}
	}
}

// bindings finds where the proxy's files bind virtual addresses.
func (r *reader) bindings() {
	virtual := map[netip.Addr]bool{}
	for i := range r.Config.Routers {
		for _, a := range r.Config.Routers[i].Addresses {
			virtual[a.Prefix.Addr()] = true
		}
	}
	for _, b := range bindings.Find(r.Config.Proxy, func(a netip.Addr) bool { return virtual[a] }) {
		r.Bindings = append(r.Bindings, doctor.Binding(b))
	}
}

// listeners reads the listening sockets.
func (r *reader) listeners() {
	list, err := proxynet.Listening()
	if err != nil {
		r.unread(doctor.AreaSockets, "the listening sockets: "+err.Error())
		return
	}
	r.Listeners = []doctor.Listener{}
	for _, l := range list {
		r.Listeners = append(r.Listeners, doctor.Listener(l))
	}
}
