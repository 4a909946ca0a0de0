package keepalived

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

func (r *reader) instance(s *Statement) {
	c := r.config
	name, ok := r.named(s, func(name string) bool { return c.instance(name) != nil })
	if !ok && name == "" && len(s.Body) > 0 {
		name, ok = "VI_"+strconv.Itoa(len(c.Instances)+1), true
	}
	if !ok {
		return
	}
	i := &Instance{Pos: s.Pos, Name: name, Priority: 100, State: "BACKUP", GARP: c.Global.GARP, Strict: c.Global.Strict,
		CheckSource: c.Global.CheckSource, DownAdverts: c.Global.DownAdverts, Version: c.Global.Version, SMTPAlert: c.Global.SMTPAlert}
	if c.Global.MinGARP {
		i.GARP = GARP{0, 1, i.GARP.Refresh}
	}
	for _, k := range s.Body {
		r.instanceKey(i, k)
	}
	if !i.HasPriority && i.State == "MASTER" {
		i.Priority = 255
	}
	c.Instances = append(c.Instances, i)
}

// instance is the one of a name.
func (c *Config) instance(name string) *Instance {
	for _, i := range c.Instances {
		if i.Name == name {
			return i
		}
	}
	return nil
}

func (r *reader) instanceKey(i *Instance, k *Statement) {
	switch k.Word() {
	case "state":
		r.state(i, k)
	case "interface":
		i.Interface, i.HasInterface = k.arg(1), k.arg(1) != ""
	case "virtual_router_id":
		i.VRID = r.integer(k, 1, 255, 0)
	case "priority":
		i.HasPriority, i.PriorityAt = true, k.Pos
		if i.Priority = r.integer(k, 1, 255, 0); i.Priority == 0 {
			r.wrong(k.Pos, "priority", "keepalived takes 100 in its place: on both nodes, if both have it")
			i.Priority = 100
		}
	case "advert_int":
		i.Interval, i.IntervalAt = r.timer(k), k.Pos
	case "version":
		i.Version = r.integer(k, 2, 3, i.Version)
	case "nopreempt":
		i.NoPreempt, i.PreemptAt = true, k.Pos
	case "preempt":
		i.NoPreempt = false
	case "preempt_delay":
		i.PreemptDelay, i.PreemptAt = r.timer(k), k.Pos
	case "authentication":
		r.auth(i, k)
	case "auth_type", "auth_pass":
		r.wrong(k.Pos, "unknown-keyword", "%s stands outside of authentication { … }: keepalived goes on without it", k.Word())
	case "virtual_ipaddress":
		i.Addresses = append(i.Addresses, r.addresses(k)...)
	case "virtual_ipaddress_excluded":
		i.Excluded = append(i.Excluded, r.addresses(k)...)
	case "mcast_src_ip", "unicast_src_ip":
		i.Source, i.SourceAt = r.host(k.Pos, k.Word(), k.arg(1)), k.Pos
		i.UnicastSource = k.Word() == "unicast_src_ip"
	case "unicast_peer":
		r.peers(i, k)
	case "check_unicast_src":
		i.CheckSource = true
	case "down_timer_adverts":
		i.DownAdverts = r.integer(k, 1, 100, 0)
	case "garp_master_delay":
		i.GARP.Delay = r.integer(k, 0, math.MaxInt32, -1)
	case "garp_master_repeat":
		i.GARP.Repeat = r.integer(k, 1, math.MaxInt32, -1)
	case "garp_master_refresh":
		i.GARP.Refresh = r.integer(k, 0, math.MaxInt32, -1)
	case "use_vmac":
		i.VMAC, i.VMACAt = true, k.Pos
		if name := k.arg(1); !strings.Contains(name, ":") {
			i.VMACName = name
		}
	case "vmac_xmit_base":
		i.VMACBase = true
	case "track_interface":
		i.Interfaces = append(i.Interfaces, r.tracks(k, 253)...)
	case "track_script":
		i.Scripts = append(i.Scripts, r.tracks(k, 253)...)
	case "track_process":
		i.Processes = append(i.Processes, r.tracks(k, 254)...)
	case "track_file":
		i.Files = append(i.Files, r.tracks(k, 254)...)
	case "track_bfd":
		i.BFD = append(i.BFD, r.tracks(k, 253)...)
	case "track_src_ip":
		i.TrackSource = true
	case "smtp_alert":
		i.SMTPAlert, i.SMTPAlertGiven = truth(k), true
	case "no_accept":
		i.NoAccept, i.NoAcceptAt = true, k.Pos
	case "accept":
		i.NoAccept = false
	case "strict_mode":
		i.Strict = truth(k)
	case "lvs_sync_daemon_interface":
		i.SyncInterface, i.SyncAt = k.arg(1), k.Pos
	default:
		if !r.hook(&i.Hooks, k) {
			r.unknown(k, instance)
			i.Unread = append(i.Unread, k)
		}
	}
}

// state reads the first state; of a word that is none keepalived makes BACKUP.
func (r *reader) state(i *Instance, k *Statement) {
	word := k.arg(1)
	if i.StateWord != "" {
		r.wrong(k.Pos, "state", "state is given already as %s: keepalived ignores this one", shown(i.StateWord))
		return
	}
	switch i.StateWord = word; word {
	case "MASTER":
		i.State = word
	case "BACKUP":
	default:
		r.wrong(k.Pos, "state", "state %s is neither MASTER nor BACKUP: keepalived takes BACKUP", shown(word))
	}
}

func (r *reader) auth(i *Instance, s *Statement) {
	i.AuthAt = s.Pos
	for _, k := range s.Body {
		switch k.Word() {
		case "auth_type":
			switch word := strings.ToUpper(k.arg(1)); word {
			case "AH", "PASS":
				i.AuthType = word
			default:
				r.wrong(k.Pos, "auth-type", "auth_type %s is neither PASS nor AH", shown(k.arg(1)))
			}
		case "auth_pass":
			i.AuthPass, i.AuthAt = k.arg(1), k.Pos
		default:
			r.unknown(k, instance.words["authentication"])
		}
	}
}

// addresses reads virtual_ipaddress; each line is one.
func (r *reader) addresses(s *Statement) []Address {
	var list []Address
	for _, k := range s.Body {
		a := Address{Pos: k.Pos, Text: k.Word()}
		host, bits, has := strings.Cut(k.Word(), "/")
		addr, err := netip.ParseAddr(host)
		if err != nil {
			r.wrong(k.Pos, "bad-address", "%s is not an address: keepalived leaves it out", shown(k.Word()))
			list = append(list, a)
			continue
		}
		addr = addr.Unmap().WithZone("")
		length := addr.BitLen()
		if a.NoPrefix = !has; has {
			n, err := strconv.Atoi(bits)
			if err != nil || n < 1 || n > addr.BitLen() {
				r.wrong(k.Pos, "bad-address", "/%s is not the length of a prefix: keepalived takes /%d", shown(bits), length)
				n, a.NoPrefix = length, true
			}
			length = n
		}
		a.Prefix = netip.PrefixFrom(addr, length)
		r.addressOptions(&a, k.Words[1:])
		list = append(list, a)
	}
	return list
}

func (r *reader) addressOptions(a *Address, words []string) {
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch w := words[i]; w {
		case "dev":
			a.Dev = next
			i++
		case "label":
			a.Label = next
			i++
		case "brd", "scope", "peer", "preferred_lft", "track_group":
			if w != "brd" && (w != "scope" || next != "global") {
				a.Odd = append(a.Odd, w)
			}
			i++
		case "noprefixroute":
			a.NoRoute = true
		case "home", "-nodad", "mngtmpaddr", "autojoin", "no_track", "use_vmac", "no-track":
			a.Odd = append(a.Odd, w)
		default:
			r.wrong(a.Pos, "unknown-keyword", "%s is no option of an address: keepalived ignores it; a further address needs a line of its own", shown(w))
		}
	}
}

func (r *reader) peers(i *Instance, s *Statement) {
	i.PeersAt = s.Pos
	for _, k := range s.Body {
		a := r.host(k.Pos, "unicast_peer", k.Word())
		if !a.IsValid() {
			continue
		}
		p := Peer{Pos: k.Pos, Address: a}
		for n := 1; n+1 < len(k.Words); n += 2 {
			v, err := strconv.ParseUint(k.Words[n+1], 10, 8)
			switch {
			case err != nil:
			case k.Words[n] == "min_ttl":
				p.MinTTL = int(v)
			case k.Words[n] == "max_ttl":
				p.MaxTTL = int(v)
			}
		}
		i.Peers = append(i.Peers, p)
	}
}

// tracks reads a list of names, each with a weight of its own.
func (r *reader) tracks(s *Statement, most int) []Track {
	var list []Track
	for _, k := range s.Body {
		t := Track{Pos: k.Pos, Name: k.Word()}
		if k.arg(1) == "weight" {
			t.HasWeight = true
			t.Weight, t.Reverse = r.weight(k, 2, most)
		}
		list = append(list, t)
	}
	return list
}

// version is the protocol's: IPv6 has 3 only.
func (i *Instance) version() int {
	switch {
	case i.v6():
		return 3
	case i.Version == 0:
		return 2
	}
	return i.Version
}

// v6 tells whether its adverts are of IPv6: the first address says so.
func (i *Instance) v6() bool {
	for _, a := range i.Addresses {
		if a.Prefix.IsValid() {
			return a.Prefix.Addr().Is6()
		}
	}
	return false
}

// interval is the time between adverts; in version 2 it is rounded to whole seconds.
func (i *Instance) interval() time.Duration {
	d, unit, most := i.Interval, 10*time.Millisecond, 40950*time.Millisecond
	if i.version() == 2 {
		unit, most = time.Second, 255*time.Second
	}
	if d == 0 {
		return time.Second
	}
	return min(max(d.Round(unit), unit), most)
}
