package keepalived

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Read reads a configuration. What is odd is in the notes; a file that cannot be read is
// an error.
func Read(s Source) (*Config, []Note, error) {
	n := &notes{}
	c, err := read(s, n)
	return c, n.sorted(), err
}

func read(s Source, n *notes) (*Config, error) {
	if _, err := s.text(s.Path); err != nil {
		return nil, fileError{s.Path, err}
	}
	e := &expander{source: s, vars: map[string]string{}, notes: n}
	e.file(s.Path, Pos{})
	r := reader{notes: n, config: &Config{Source: s, IDs: e.ids}}
	r.config.Global.GARP = noGARP
	r.root(parse(e.lines, n))
	return r.config, nil
}

// fileError is a file that cannot be read.
type fileError struct {
	path string
	err  error
}

func (e fileError) Error() string { return e.path + ": " + e.err.Error() }
func (e fileError) Unwrap() error { return e.err }

// reader makes a Config of statements.
type reader struct {
	*notes
	config *Config
	groups []serverGroup
}

func (r *reader) root(all []*Statement) {
	c := r.config
	for _, s := range all {
		if s.Word() == "global_defs" {
			r.global(s)
		}
	}
	for _, s := range all {
		switch s.Word() {
		case "global_defs":
		case "net_namespace":
			c.Global.Namespace = s.arg(1)
		case "vrrp_script":
			r.script(s)
		case "vrrp_track_process", "track_process":
			r.process(s)
		case "vrrp_track_file", "track_file":
			r.trackFile(s)
		case "vrrp_instance":
			r.instance(s)
		case "vrrp_sync_group":
			r.group(s)
		case "virtual_server_group":
			r.serverGroup(s)
		case "virtual_server":
		default:
			c.Others = append(c.Others, s)
		}
	}
	for _, s := range all {
		if s.Word() == "virtual_server" {
			r.virtualServer(s)
		}
	}
}

// named is the name of a block; without one keepalived does not start, and the second
// best is taken.
func (r *reader) named(s *Statement, taken func(string) bool) (string, bool) {
	name := s.arg(1)
	switch {
	case name == "":
		r.wrong(s.Pos, "no-name", "%s has no name: keepalived does not take it", s.Word())
		return "", false
	case taken(name):
		r.wrong(s.Pos, "twice", "%s %s is there already: keepalived does not take the second one", s.Word(), shown(name))
		return name, false
	}
	return name, true
}

var noGARP = GARP{-1, -1, -1}

func (r *reader) global(s *Statement) {
	g := &r.config.Global
	for _, one := range s.Body {
		switch one.Word() {
		case "router_id", "lvs_id":
			g.RouterID = one.arg(1)
		case "vrrp_version":
			g.Version = r.integer(one, 2, 3, 0)
		case "default_interface":
			g.Interface = one.arg(1)
		case "net_namespace":
			g.Namespace = one.arg(1)
		case "notification_email":
			g.Mail.Pos = one.Pos
			for _, to := range one.Body {
				g.Mail.To = append(g.Mail.To, to.Words...)
			}
		case "notification_email_from":
			g.Mail.From = one.arg(1)
		case "smtp_server":
			g.Mail.Server = one.arg(1)
			g.Mail.Port = 25
			if port, err := strconv.ParseUint(one.arg(2), 10, 16); err == nil && port > 0 {
				g.Mail.Port = int(port)
			}
		case "smtp_connect_timeout":
			g.Mail.Timeout = r.timer(one)
		case "smtp_alert", "smtp_alert_vrrp":
			g.SMTPAlert = truth(one)
		case "vrrp_strict":
			g.Strict = truth(one)
		case "vrrp_check_unicast_src":
			g.CheckSource = truth(one)
		case "vrrp_down_timer_adverts":
			g.DownAdverts = r.integer(one, 1, 100, 0)
		case "vrrp_garp_master_delay":
			g.GARP.Delay = r.integer(one, 0, math.MaxInt32, -1)
		case "vrrp_garp_master_repeat":
			g.GARP.Repeat = r.integer(one, 1, math.MaxInt32, -1)
		case "vrrp_garp_master_refresh":
			g.GARP.Refresh = r.integer(one, 0, math.MaxInt32, -1)
		case "vrrp_min_garp":
			g.MinGARP = truth(one)
		case "script_user":
			g.ScriptUser = one.arg(1)
		case "lvs_sync_daemon":
			g.SyncDaemon = r.syncDaemon(one)
		case "lvs_timeouts":
			r.timeouts(one)
		default:
			g.Unread = append(g.Unread, one)
		}
	}
}

// syncDaemon reads lvs_sync_daemon IF [inst] NAME id N.
func (r *reader) syncDaemon(s *Statement) *SyncDaemon {
	d := &SyncDaemon{Pos: s.Pos, Interface: s.arg(1)}
	for i := 2; i < len(s.Words); i++ {
		switch s.Words[i] {
		case "inst":
			i++
			d.Instance = s.arg(i)
		case "id":
			i++
			d.ID, _ = strconv.Atoi(s.arg(i))
		case "maxlen", "port", "ttl", "group":
			i++
		default:
			if d.Instance == "" {
				d.Instance = s.Words[i]
			}
		}
	}
	return d
}

func (r *reader) timeouts(s *Statement) {
	g := &r.config.Global
	for i := 1; i+1 < len(s.Words); i += 2 {
		n, err := strconv.ParseUint(s.Words[i+1], 10, 21)
		if err != nil || n == 0 {
			continue
		}
		d := time.Duration(n) * time.Second
		switch s.Words[i] {
		case "tcp":
			g.TCP = d
		case "tcpfin":
			g.Fin = d
		case "udp":
			g.UDP = d
		}
	}
}

func (r *reader) script(s *Statement) {
	c := r.config
	name, ok := r.named(s, func(name string) bool { return find(c.Scripts, name, func(x *Script) string { return x.Name }) != nil })
	if !ok {
		return
	}
	one := Script{Pos: s.Pos, Name: name, Interval: time.Second, Rise: 1, Fall: 1}
	for _, k := range s.Body {
		switch k.Word() {
		case "script":
			one.Command = r.command(k, false)
		case "interval":
			one.Interval = r.timer(k)
		case "timeout":
			one.Timeout, one.HasTimeout = r.timer(k), true
		case "weight":
			one.Weight, one.Reverse = r.weight(k, 1, 253)
		case "rise":
			one.Rise = r.integer(k, 1, math.MaxInt32, 1)
		case "fall":
			one.Fall = r.integer(k, 1, math.MaxInt32, 1)
		case "user":
			one.Command.User = k.arg(1)
		}
		r.unknown(k, script)
	}
	if one.Interval <= 0 {
		one.Interval = time.Second
	}
	c.Scripts = append(c.Scripts, one)
}

func (r *reader) process(s *Statement) {
	c := r.config
	name, ok := r.named(s, func(name string) bool {
		return find(c.Processes, name, func(x *Process) string { return x.Name }) != nil
	})
	if !ok {
		return
	}
	one := Process{Pos: s.Pos, Name: name, Min: 1}
	for _, k := range s.Body {
		switch k.Word() {
		case "process":
			one.Process = k.arg(1)
			one.Args = k.Words[min(2, len(k.Words)):]
			if words := splitCommand(one.Process); len(words) > 1 {
				one.Process, one.Args = words[0], words[1:]
			}
		case "weight":
			one.Weight, one.Reverse = r.weight(k, 1, 254)
		case "quorum":
			one.Min = r.integer(k, 1, 65535, 1)
		case "quorum_max":
			one.Max = r.integer(k, 0, 65535, 0)
		}
		r.unknown(k, trackProcess)
	}
	c.Processes = append(c.Processes, one)
}

func (r *reader) trackFile(s *Statement) {
	c := r.config
	name, ok := r.named(s, func(name string) bool { return find(c.Files, name, func(x *TrackFile) string { return x.Name }) != nil })
	if !ok {
		return
	}
	one := TrackFile{Pos: s.Pos, Name: name, Weight: 1}
	for _, k := range s.Body {
		switch k.Word() {
		case "file":
			one.Path = k.arg(1)
		case "weight":
			one.Weight, one.Reverse = r.weight(k, 1, 254)
		}
		r.unknown(k, trackFile)
	}
	c.Files = append(c.Files, one)
}

func (r *reader) group(s *Statement) {
	g := &SyncGroup{Pos: s.Pos, Name: s.arg(1)}
	for _, k := range s.Body {
		switch word := k.Word(); word {
		case "group":
			for _, m := range k.Body {
				g.Members = append(g.Members, m.Words...)
			}
		case "global_tracking", "sync_group_tracking_weight":
			g.Weigh = true
		case "track_interface", "track_script", "track_file", "track_process", "track_bfd":
			g.Tracks = append(g.Tracks, k)
		case "smtp_alert", "notify_priority_changes":
		default:
			if !r.hook(&g.Hooks, k) {
				r.wrong(k.Pos, "unknown-keyword", "%s is not known in vrrp_sync_group: members belong into group { … }", shown(word))
				g.Members = append(g.Members, k.Words...)
			}
		}
	}
	r.config.Groups = append(r.config.Groups, g)
}

// unknown tells of a keyword that keepalived does not know here.
func (r *reader) unknown(k *Statement, of *kind) {
	if !of.has(k.Word()) && !k.Block {
		r.wrong(k.Pos, "unknown-keyword", "%s is not known here: keepalived goes on without it", shown(k.Word()))
	}
}

// command reads a program. It may be one quoted word with its arguments; then what
// follows is a user. Where it is not, keepalived takes the words of a vrrp_script together.
func (r *reader) command(k *Statement, hook bool) Command {
	c := Command{Pos: k.Pos, Words: splitCommand(k.arg(1))}
	if len(k.Words) <= 2 {
		return c
	}
	if !hook {
		c.Words = append(c.Words, k.Words[2:]...)
		return c
	}
	c.User = k.Words[2]
	return c
}

// hook reads a notify script; the first of a kind counts.
func (r *reader) hook(h *Hooks, k *Statement) bool {
	at, ok := map[string]**Command{
		"notify": &h.Any, "notify_master": &h.Master, "notify_backup": &h.Backup, "notify_fault": &h.Fault,
		"notify_stop": &h.Stop, "notify_master_rx_lower_pri": &h.Lower,
	}[k.Word()]
	switch {
	case !ok:
		return false
	case *at != nil:
		r.wrong(k.Pos, "notify-twice", "%s is given already in line %d: keepalived ignores this one", k.Word(), (*at).Line)
	case k.arg(1) == "":
		r.wrong(k.Pos, "no-value", "%s has no program", k.Word())
	default:
		c := r.command(k, true)
		*at = &c
	}
	return true
}

// truth is a BOOL; without one it is yes.
func truth(k *Statement) bool {
	switch k.arg(1) {
	case "off", "false", "no":
		return false
	}
	return true
}

// integer reads a number; a bad one is said, and other is taken.
func (r *reader) integer(k *Statement, least, most, other int) int {
	n, err := strconv.ParseInt(k.arg(1), 10, 64)
	if err != nil || n < int64(least) || n > int64(most) {
		r.wrong(k.Pos, "bad-number", "%s %s is not a number in %d..%d: keepalived goes on as if it was not there", k.Word(), shown(k.arg(1)), least, most)
		return other
	}
	return int(n)
}

// weight reads a weight and its reverse, which stand after a word.
func (r *reader) weight(k *Statement, at, most int) (weight int, reverse bool) {
	n, err := strconv.Atoi(k.arg(at))
	switch {
	case err != nil:
		r.wrong(k.Pos, "bad-number", "the weight %s is not a number in -%d..%d", shown(k.arg(at)), most, most)
	case n < -most || n > most:
		bound := max(-most, min(n, most))
		r.wrong(k.Pos, "bad-number", "the weight %d is not in -%d..%d: keepalived takes %d", n, most, most, bound)
		n = bound
	}
	return n, k.arg(at+1) == "reverse"
}

const longest = 1000 * time.Hour

// timer reads seconds, with fractions; what is none is 0.
func (r *reader) timer(k *Statement) time.Duration {
	f, err := strconv.ParseFloat(k.arg(1), 64)
	if err != nil || f < 0 || f > longest.Seconds() {
		r.wrong(k.Pos, "bad-number", "%s %s is not a time in seconds: keepalived goes on as if it was not there", k.Word(), shown(k.arg(1)))
		return 0
	}
	return time.Duration(math.Round(f*1e6)) * time.Microsecond
}

// host reads an address of a host.
func (r *reader) host(at Pos, what, s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		r.wrong(at, "bad-address", "%s %s is not an address", what, shown(s))
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func find[T any](list []T, name string, of func(*T) string) *T {
	for i := range list {
		if of(&list[i]) == name {
			return &list[i]
		}
	}
	return nil
}

// maskBits is a netmask as a prefix length.
func maskBits(s string) (int, bool) {
	a, err := netip.ParseAddr(s)
	if err == nil && a.Is4() {
		bits, b := 0, a.As4()
		for _, x := range b {
			for i := 7; i >= 0 && x>>i&1 == 1; i-- {
				bits++
			}
		}
		if p, err := netip.AddrFrom4([4]byte{255, 255, 255, 255}).Prefix(bits); err == nil && p.Addr() == a {
			return bits, bits > 0
		}
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s, "/"))
	return n, err == nil && n > 0 && n <= 128
}
