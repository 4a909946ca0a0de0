package doctor

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/packetfilter"
	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// Area is a part of what is read; one that could not be read is named by it.
type Area string

// The areas.
const (
	AreaPackets   Area = "packets"       // what is heard on the interfaces, and who answers
	AreaFilter    Area = "packet-filter" // nftables and iptables
	AreaSystemd   Area = "systemd"
	AreaDaemon    Area = "daemon" // its control socket
	AreaProcesses Area = "processes"
	AreaLinks     Area = "interfaces"
	AreaSockets   Area = "sockets"
	AreaTest      Area = "proxy-test"
	AreaKernel    Area = "kernel"
	AreaDirector  Area = "director" // what IPVS needs
)

// Facts are what was read of a host.
type Facts struct {
	Config        supervisor.Config
	File, Version string // of the configuration; of this program

	Unread     []Unread
	Adverts    []Advert
	Listened   time.Duration
	Beats      []Beat
	Answers    []Answer
	Interfaces []Interface
	Filter     *packetfilter.Ruleset // nil: not read
	Units      map[string]Unit       // by name; a unit that was not asked for is not there
	Processes  []Process
	Daemon     *Daemon // nil: none answers
	Listeners  []Listener
	Bindings   []Binding
	TestError  string            // of the proxy's test; empty: it passed, or there is none
	Sysctls    map[string]string // by name, as net.ipv4.conf.eth0.rp_filter
	Kernel     Kernel
	Privileges *Privileges // of the daemon; nil: it does not run, or hides them
	Polkit     bool        // a rule of polkit names the proxy's unit
	Managers   []Manager
	Director   []ipvs.Finding // what keeps the host from directing virtual servers
}

func (f *Facts) unread(a Area) bool {
	return slices.ContainsFunc(f.Unread, func(u Unread) bool { return u.Area == a })
}

// iface finds an interface by its name.
func (f *Facts) iface(name string) (Interface, bool) {
	i := slices.IndexFunc(f.Interfaces, func(one Interface) bool { return one.Name == name })
	if i < 0 {
		return Interface{}, false
	}
	return f.Interfaces[i], true
}

// holds tells that this node has an address.
func (f *Facts) holds(a netip.Addr) bool {
	return slices.ContainsFunc(f.Interfaces, func(one Interface) bool { return one.has(a) })
}

// Advert is what somebody sends on an interface, as it was heard.
type Advert struct {
	Interface string
	From      netip.Addr
	MAC       string
	CARP      bool
	Version   int
	VRID      int // or VHID
	Priority  int
	Addresses []netip.Addr
	Count     int
}

// Beat counts the datagrams of a link of the heartbeat that were seen to come in.
type Beat struct {
	Local, Peer netip.AddrPort
	Count       int
}

// Answer is who was asked for by ARP or neighbour discovery, and who answered.
type Answer struct {
	Interface string
	Address   netip.Addr
	MACs      []string
}

// Interface is one of this node's, as far as rules need it.
type Interface struct {
	Name     string
	Index    int
	Up       bool
	MAC      string
	Prefixes []netip.Prefix
	Bridge   *Bridge // that it is, is a port of, or lies upon
	// Routes are the interfaces by which answers to addresses would leave.
	Routes map[netip.Addr]string
}

func (i *Interface) has(a netip.Addr) bool {
	return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == a })
}

// Bridge is what matters of a bridge.
type Bridge struct {
	Name              string
	Snooping, Querier bool
}

// Unit is what systemd says of a unit.
type Unit struct {
	Load, Active, File, Result string // LoadState, ActiveState, UnitFileState, Result
	Path                       string // of its file
	Conflicts                  []string
	Stale                      bool // its file changed: NeedDaemonReload
	MainPID                    int
	User                       string
	Capabilities               uint64 // CapabilityBoundingSet
}

// Exists tells that systemd has a file of it.
func (u Unit) Exists() bool { return u.Load != "" && u.Load != "not-found" }

// Process is one that speaks VRRP, in the network of this node.
type Process struct {
	PID  int
	Name string // keepalived or pairkeeper
	Unit string // of systemd; empty: none
	Args []string
}

// Daemon is what the running daemon says.
type Daemon struct {
	PID       int
	Unit      string
	Version   string
	File      string // of its configuration
	Problem   string // its last reload failed
	Pending   bool
	Socket    string
	Routers   []Router
	Links     []Link
	Different []string
	PeerHeard bool // by heartbeat, ever
	Probes    []Probe
}

// Router is one of the daemon's virtual routers.
type Router struct {
	Name, State, Gate string
	Heard             string // whose adverts it heard last; empty: nobody's
}

// Link is one link of the daemon's heartbeat.
type Link struct {
	Local, Peer, State string
	Sent, Received     uint64
	Problem            string
	Refused            []string
}

// Probe is one of the daemon's probes.
type Probe struct{ Name, State, Detail string }

// Listener is a listening TCP socket.
type Listener struct {
	At     netip.AddrPort
	V6Only bool
	Unit   string // of systemd; empty: not known
	Who    string // for people
}

// Binding is a line of the proxy's configuration that binds a virtual address.
type Binding struct {
	File string
	Line int
	Addr netip.Addr
}

// Kernel is what the kernel can do, and what its time comes from.
type Kernel struct {
	NFTables    string // why there are none; empty: there are
	Clock       string // clocksource
	Virtual     string // what the machine runs on; empty: not known to be virtual
	RealtimeFor string // why this process may not be real-time; empty: it may
}

// Privileges are those of the running daemon.
type Privileges struct {
	Capabilities uint64 // effective
	Realtime     bool   // its threads run under SCHED_RR
}

// Manager is a program that configures an interface.
type Manager struct {
	Name      string // systemd-networkd or NetworkManager
	Interface string
	File      string // that tells it to
	Keeps     bool   // it was told to leave addresses of others alone
}
