// Package daemon joins the doers around supervisor.Node: the loop, the sockets, the
// kernel's addresses, the proxy, the probes, the log, the control socket.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pairkeeper/pairkeeper/fencing/fencingnet"
	"github.com/pairkeeper/pairkeeper/internal/logbook"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/supervisor/notifynet"
	"github.com/pairkeeper/pairkeeper/vrrp"
	"github.com/pairkeeper/pairkeeper/vrrp/vrrpnet"
)

// Options is what a Daemon is made of.
type Options struct {
	Source  Source
	Log     *slog.Logger
	Version string
	File    string                 // the configuration file, for status
	Socket  string                 // the control socket; empty: none
	State   string                 // the folder of what outlives a restart; empty: that of the socket
	Trace   string                 // the flight recorder's folder; empty: none
	Load    func() (Source, error) // reads the configuration file again
	// Restarts tells, when the daemon is to end, that another one of the node is about to go
	// on. Nil: never.
	Restarts func() bool
	// Page makes the status page of what a daemon says of itself. Nil: there is none.
	Page func(read func() (Status, bool)) http.Handler
}

// Daemon is one node, running.
type Daemon struct {
	opts    Options
	loop    *loop
	mail    *mailbox
	hands   *hands
	kernel  *vrrpnet.Addresses
	vmacs   *vrrpnet.MACVLANs
	gates   *gatekeeper
	metrics *exporter
	pages   *statusPage
	started time.Time
	resumed []supervisor.Bridged // what the daemon before has left

	reloading sync.Mutex // one at a time
	inUse     Source
	stopFiles func()         // ends the watch over the files of inUse
	watches   sync.WaitGroup // over these files

	mu     sync.Mutex // of what follows; nobody who has it waits
	config ConfigStatus
}

// New opens what every node needs. Errors name the missing capability.
func New(opts Options) (*Daemon, error) {
	mail, err := newMailbox()
	if err != nil {
		return nil, err
	}
	kernel, err := vrrpnet.OpenAddresses()
	if err != nil {
		return nil, err
	}
	vmacs, err := vrrpnet.OpenMACVLANs()
	if err != nil {
		return nil, err
	}
	opts.Source.Config.Heartbeat.Version = opts.Version
	d := &Daemon{opts: opts, mail: mail, kernel: kernel, vmacs: vmacs, started: time.Now(), inUse: opts.Source, stopFiles: func() {}}
	d.config = ConfigStatus{File: opts.File, Loaded: d.started}
	d.opts.Log = d.opts.Log.With(logbook.Node, opts.Source.Config.Node)
	d.resumed = bridgeFile{bridgePath(opts.Socket)}.take()
	d.gates = newGatekeeper(mail.tell, d.warn, d.opts.Log)
	d.gates.kept = keptOpen(d.resumed)
	d.opts.Source.Config = d.gates.fit(d.opts.Source.Config)
	return d, nil
}

// warn has the loop's thread write a warning.
func (d *Daemon) warn(reason vrrp.Reason, text string) {
	d.mail.put(letter{ask: func() { d.loop.journal.warn(reason, text) }})
}

// Run runs the node until ctx ends, then releases what it holds.
func (d *Daemon) Run(ctx context.Context) error {
	control, err := newControl(d.opts.Socket, d)
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT): // the addresses matter more
		d.opts.Log.Error(fmt.Sprintf("going on without a control socket: %v; free space there and restart pairkeeper", err), logbook.As(logbook.NoControlSocket))
	case err != nil:
		return fmt.Errorf("control socket: %w", err)
	}
	defer control.close()
	d.opts.Log.Info(fmt.Sprintf("pairkeeper %s begins as %s with %s", d.opts.Version, d.opts.Source.Config.Node, d.opts.File), logbook.As(logbook.Begins))
	d.assemble()
	d.openOutlets()

	ended := make(chan error, 1)
	go func() { ended <- d.loop.run() }()
	d.reloading.Lock()
	d.watchFiles()
	d.reloading.Unlock()
	note := &notifier{beats: d.loop.beats.Load, line: d.line}
	notifyCtx, stopNotify := context.WithCancel(context.Background())
	defer stopNotify()
	go note.run(notifyCtx)
	d.goneOn()
	note.ready()

	select {
	case <-ctx.Done():
		note.stopping()
		d.mail.tell(supervisor.Stop{For: d.window()})
		err = <-ended
	case err = <-ended: // the loop broke
	}
	err = errors.Join(err, d.mail.close())
	d.leaveFiles()
	d.closeOutlets()
	files := d.loop.recorder.files
	files.close()
	err = errors.Join(err, d.release(note))
	files.wait()
	if err != nil {
		d.opts.Log.Error("pairkeeper breaks off: "+err.Error(), logbook.As(logbook.BreaksOff))
	} else {
		d.opts.Log.Info("pairkeeper ends", logbook.As(logbook.Ends))
	}
	return err
}

// assemble wires the parts; nothing runs on the loop's thread yet.
func (d *Daemon) assemble() {
	go d.gates.run()
	d.hands = &hands{
		ctx: context.Background(), mail: d.mail, log: d.opts.Log, own: d.opts.Source.Files,
		keeper: newKeeper(d.kernel, d.vmacs, d.gates, d.mail.tell, d.opts.Log), renewals: map[string]renewal{},
		hooks: notifynet.NewHooks(d.opts.Log), receivers: notifynet.NewReceivers(d.opts.Log),
	}
	d.hands.memory, d.hands.fenced.path = beside(d.opts.Socket, "stopped"), beside(d.opts.Socket, "fenced")
	d.hands.bridges.path, d.hands.modes.path = bridgePath(d.opts.Socket), beside(d.opts.Socket, modesName)
	if d.opts.State != "" {
		d.hands.modes.path = filepath.Join(d.opts.State, modesName)
	}
	d.hands.balancer = newBalancer(d.warn, ownedPath(d.opts.Socket))
	if d.opts.Source.Config.Balance.Set() {
		ipvsnet.Prepare()
	} else {
		d.hands.balancer.spread(ipvs.Table{}) // the Node says nothing of it
	}
	go d.hands.balancer.run()
	d.loop = &loop{
		node: supervisor.NewNode(d.opts.Source.Config), mail: d.mail, hands: d.hands, journal: newJournal(d.opts.Log),
		ports: map[string]*port{}, remarks: remarks{}, seen: map[string]vrrpnet.Interface{}, unusable: map[string]bool{},
		resumed: d.resumed,
	}
	d.loop.recorder.version, d.loop.recorder.cfg = d.opts.Version, d.opts.Source.Config
	d.record(d.opts.Source.Recorder)
	d.loop.serve(d.opts.Source.Config)
	d.hands.journal = d.loop.journal
	d.hands.step, d.hands.linked = d.loop.step, d.loop.linked
	d.hands.configure(d.opts.Source.Config)
}

// releaseTimeout bounds how long a kernel that does not answer may hold up the end;
// the addresses' lifetime ends soon after. A child has its own time on top of it.
const releaseTimeout = 6 * time.Second

func (d *Daemon) release(note *notifier) error {
	done := make(chan error, 1)
	go func() {
		d.hands.keeper.close()
		err := d.gates.close(d.loop.stopped && !Bridged(d.opts.Socket))
		note.leaving.Store(true)
		d.hands.close()
		done <- errors.Join(err, d.kernel.Close(), d.vmacs.Close())
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(releaseTimeout + d.hands.drainTime()):
		d.opts.Log.Error("not everything could be ended in order; the addresses end with their lifetime", logbook.As(logbook.EndIncomplete))
		return nil
	}
}

// Status is the daemon's view of itself; false: it is stopping.
func (d *Daemon) Status() (Status, bool) {
	s, views, ok := d.survey()
	for _, v := range views {
		s.VirtualServers = append(s.VirtualServers, virtualServerStatus(v))
	}
	return s, ok
}

// survey is Status without the virtual servers, and these as the Node tells them.
func (d *Daemon) survey() (Status, []supervisor.ServiceView, bool) {
	var s Status
	var routers []supervisor.Router
	var counts []fencingnet.WireCount
	if !d.mail.ask(func() { s, routers, counts = d.loop.status(), d.loop.cfg.Routers, d.hands.wires.counts() }) {
		return s, nil, false
	}
	for some := range slices.Chunk(routers, routersAtOnce) {
		list := make([]glance, 0, len(some))
		if !d.mail.ask(func() { list = d.loop.glances(list, some) }) {
			return s, nil, false
		}
		for i := range list {
			r := list[i].status()
			r.Gate = d.gates.word(&list[i].Config)
			s.Routers = append(s.Routers, r)
		}
	}
	for i := range s.Probes {
		s.Probes[i].LookCount = d.hands.looked.of(s.Probes[i].Name)
	}
	views := d.services()
	s.Version, s.Started = d.opts.Version, d.started
	if s.Heartbeat != nil {
		s.Heartbeat.count(counts)
	}
	s.Notify = deliveries(d.hands.receivers.Deliveries())
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Config = d.config
	return s, views, true
}

// line is Status in one line; false: the daemon is stopping.
func (d *Daemon) line() (string, bool) {
	line := ""
	ok := d.mail.ask(func() { line = d.loop.line() })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.config.Problem != "" {
		line += ", the new configuration is refused"
	}
	return line, ok
}

var errStopping = errors.New("the daemon is stopping")
