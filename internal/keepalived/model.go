// Package keepalived reads keepalived.conf, as forgiving as keepalived does, and translates
// it into a configuration of pairkeeper. It touches nothing: files come from an fs.FS.
package keepalived

import (
	"net/netip"
	"time"
)

// Config is the configuration of one node, as keepalived understands it.
type Config struct {
	Source Source
	IDs    []string // that conditional lines (@id) name
	Global Global

	Scripts   []Script
	Processes []Process
	Files     []TrackFile
	Instances []*Instance
	Groups    []*SyncGroup
	Servers   []*VirtualServer
	Others    []*Statement // top-level blocks that have no model: static routes, BFD
}

// Global is global_defs.
type Global struct {
	RouterID      string
	Version       int // 0: not given, which means 2
	Interface     string
	Mail          Mail
	SMTPAlert     bool // smtp_alert or smtp_alert_vrrp
	Strict        bool
	CheckSource   bool
	DownAdverts   int
	GARP          GARP
	MinGARP       bool
	Namespace     string
	ScriptUser    string
	SyncDaemon    *SyncDaemon
	TCP, Fin, UDP time.Duration // lvs_timeouts; 0: not given
	Unread        []*Statement  // what has no place here
}

// Mail is where keepalived sends mail to.
type Mail struct {
	Pos
	To           []string
	From, Server string
	Port         int
	Timeout      time.Duration
}

// GARP is how addresses are announced; -1: not given.
type GARP struct{ Delay, Repeat, Refresh int }

// SyncDaemon is IPVS's connection synchronisation.
type SyncDaemon struct {
	Pos
	Interface, Instance string
	ID                  int // 0: not given
}

// Command is a program with its arguments, and who runs it (empty: the default).
type Command struct {
	Pos
	Words []string
	User  string
}

func (c *Command) set() bool { return c != nil && len(c.Words) > 0 }

// Script is vrrp_script.
type Script struct {
	Pos
	Name              string
	Command           Command
	Interval, Timeout time.Duration // Timeout 0: not given
	Weight            int
	Reverse           bool
	Rise, Fall        int
	HasTimeout        bool
}

// Process is vrrp_track_process.
type Process struct {
	Pos
	Name    string
	Process string
	Args    []string
	Weight  int
	Reverse bool
	Min     int
	Max     int // 0: any
}

// TrackFile is vrrp_track_file.
type TrackFile struct {
	Pos
	Name    string
	Path    string
	Weight  int
	Reverse bool
}

// Track is a reference of an instance to what it depends on.
type Track struct {
	Pos
	Name      string
	Weight    int
	HasWeight bool
	Reverse   bool
}

// Address is a virtual address.
type Address struct {
	Pos
	Text     string // as written
	Prefix   netip.Prefix
	Dev      string
	Label    string
	NoRoute  bool
	NoPrefix bool     // without a length; keepalived takes all bits
	Odd      []string // other options
}

// Peer is an entry of unicast_peer.
type Peer struct {
	Pos
	Address        netip.Addr
	MinTTL, MaxTTL int // 0: not given
}

// Instance is vrrp_instance.
type Instance struct {
	Pos
	Name           string
	State          string // MASTER or BACKUP
	StateWord      string // as written; empty: not given
	Interface      string
	HasInterface   bool
	VRID           int // 0: none that can be used
	Priority       int // as keepalived takes it
	HasPriority    bool
	PriorityAt     Pos
	Interval       time.Duration // 0: not given
	IntervalAt     Pos
	Version        int // 0: not given
	NoPreempt      bool
	PreemptDelay   time.Duration
	PreemptAt      Pos
	AuthType       string // PASS, AH or empty
	AuthPass       string // as written
	AuthAt         Pos
	Addresses      []Address
	Excluded       []Address
	Source         netip.Addr // unicast_src_ip or mcast_src_ip
	SourceAt       Pos
	UnicastSource  bool // it was unicast_src_ip
	Peers          []Peer
	PeersAt        Pos
	CheckSource    bool
	DownAdverts    int // 0: not given
	GARP           GARP
	VMAC           bool
	VMACName       string
	VMACBase       bool
	VMACAt         Pos
	Interfaces     []Track
	Scripts        []Track
	Processes      []Track
	Files          []Track
	BFD            []Track
	TrackSource    bool
	Hooks          Hooks
	SMTPAlert      bool
	SMTPAlertGiven bool
	NoAccept       bool
	NoAcceptAt     Pos
	Strict         bool
	SyncInterface  string
	SyncAt         Pos
	Unread         []*Statement
}

// Hooks are the notify scripts.
type Hooks struct {
	Any, Master, Backup, Fault, Stop, Lower *Command
}

// SyncGroup is vrrp_sync_group.
type SyncGroup struct {
	Pos
	Name    string
	Members []string
	Hooks   Hooks
	Weigh   bool // global_tracking or sync_group_tracking_weight
	Tracks  []*Statement
}

// Service is one address and port that a virtual server has, or a firewall mark.
type Service struct {
	Pos
	Address netip.Addr
	Port    int // 0: none
	Mark    uint32
	IPv6    bool // of a mark
	Text    string
}

// VirtualServer is virtual_server.
type VirtualServer struct {
	Pos
	Title       string // what stands behind the keyword
	Services    []Service
	Scheduler   string
	Flags       []string
	OnePacket   bool
	Method      Method
	Protocol    string // TCP, UDP or SCTP
	Persistence time.Duration
	Granularity int // prefix length; 0: none
	Engine      string
	Delay       time.Duration // delay_loop
	Quorum      int
	Hysteresis  int
	Alpha       bool
	Omega       bool
	Inhibit     bool
	QuorumUp    *Command
	QuorumDown  *Command
	Sorry       *Sorry
	Host        string // virtualhost
	Reals       []*Real
	Unread      []*Statement
	defaults    times
}

// Method is how packets reach a server: NAT, DR or TUN.
type Method struct {
	Word     string
	Type     string // of TUN: ipip, gue, gre
	Port     int
	Checksum string // nocsum, csum, remcsum
}

// Sorry is sorry_server.
type Sorry struct {
	Pos
	Address netip.Addr
	Port    int
	Method  *Method
}

// Real is real_server.
type Real struct {
	Pos
	Address      netip.Addr
	Port         int
	Text         string
	Weight       int
	Method       *Method
	Inhibit      bool
	Upper, Lower int
	Up, Down     *Command
	Checks       []*Check
	Unread       []*Statement
}

// times are what checks inherit; 0: not given.
type times struct {
	delay, retryDelay, timeout, warmUp time.Duration
	retry                              int // -1: not given
	host                               string
	alpha                              bool
}

// Check is a check of a real server, such as TCP_CHECK.
type Check struct {
	Pos
	Kind       string
	Host       string // virtualhost
	IP         netip.Addr
	Port       int // 0: the server's
	Interval   time.Duration
	Timeout    time.Duration
	Retry      int
	RetryDelay time.Duration
	WarmUp     time.Duration
	SNI        bool
	URLs       []URL
	Command    Command // MISC_CHECK
	Dynamic    bool
	Query      string // DNS_CHECK: type
	Name       string // DNS_CHECK: name; SMTP_CHECK: helo_name
	Payload    string // UDP_CHECK, in hexadecimal digits
	Reply      bool   // UDP_CHECK: one has to come
	Answer     string // what it has to begin with, where x is any digit
	Unread     []*Statement
}

// URL is an url of HTTP_GET or SSL_GET.
type URL struct {
	Pos
	Path   string
	Host   string
	Digest string
	Regex  string
	Status []string
	Not    bool // regex_no_match
}
