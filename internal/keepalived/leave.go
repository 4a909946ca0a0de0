package keepalived

import (
	"slices"
	"strings"
)

// instead is what to use in place of what is not taken over.
var instead = map[string]string{
	"static_ipaddress": "the host's own network configuration (systemd-networkd, netplan, ifupdown)", "static_routes": "the host's own network configuration",
	"static_rules": "the host's own network configuration", "track_group": "nothing: static addresses and routes are the host's", "static_track_group": "nothing: static addresses and routes are the host's",
	"garp_group": "garp: of each router", "bfd_instance": "heartbeat: with an interval of some milliseconds", "linkbeat_interfaces": "nothing: the carrier is told by the kernel",
	"interface_up_down_delays": "nothing: a router that has lost its link listens before it takes part again", "SSL": "ca_file of each check",
	"net_namespace": "a unit of systemd with NetworkNamespacePath=", "instance": "a second unit of systemd",

	"virtual_routes": "hooks.active and hooks.stop with a script that sets the route, or a route that is always there", "virtual_rules": "a rule that is always there, or hooks.active",
	"native_ipv6": "nothing: the addresses decide", "accept": "nothing: packets to the addresses are always accepted", "use_ipvlan": "virtual_mac: true, a macvlan", "use_vmac_addr": "virtual_mac: true",
	"dont_track_primary": "nothing: the router's own interface is always tracked", "linkbeat_use_polling": "nothing: the carrier is told by the kernel",
	"mcast_dst_ip": "nothing: 224.0.0.18 and ff02::12; two pairs are told apart by the vrid", "unicast_ttl": "nothing: always 255; a keepalived peer with less needs unicast.min_ttl here",
	"unicast_fault_no_peer": "nothing: there is always a peer", "old_unicast_checksum": "nothing: both checksums are understood",
	"garp_master_refresh_repeat": "nothing: one announcement, every garp.refresh", "garp_lower_prio_delay": "nothing: a burst for each foreign claim", "garp_lower_prio_repeat": "nothing: a burst for each foreign claim",
	"garp_extra_if": "nothing", "garp_interval": "nothing", "gna_interval": "nothing", "lower_prio_no_advert": "nothing: a lower advert is always answered", "higher_prio_send_advert": "nothing: it always is",
	"skip_check_adv_addr": "nothing: adverts are always checked", "promote_secondaries": "sysctl net.ipv4.conf.*.promote_secondaries", "debug": "nothing", "kernel_rx_buf_size": "nothing",
	"notify_deleted": "hooks.stop: a router that a reload takes away is told STOP", "notify_priority_changes": "the journal and pairkeeper status", "auth_hmac": "auth: {type: hmac, keys: […]}",
	"no_accept": "nothing: packets to the addresses are always accepted",

	"vrrp_mcast_group4": "nothing: 224.0.0.18; two pairs are told apart by the vrid", "vrrp_mcast_group6": "nothing: ff02::12",
	"enable_script_security": "nothing: what anybody but root can change is never run", "max_auto_priority": "nothing: the loop is real-time by itself", "dynamic_interfaces": "nothing: an interface may come and go",
	"notify_fifo": "hooks.notify, or notify: [{webhook: …}]", "vrrp_notify_fifo": "hooks.notify, or notify: [{webhook: …}]", "lvs_notify_fifo": "hooks of the virtual server",
	"startup_script": "ExecStartPre= of the unit", "shutdown_script": "ExecStopPost= of the unit", "smtp_helo_name": "nothing", "no_email_faults": "on: of the receiver",
	"nftables": "nothing: no firewall rule is needed", "vrrp_iptables": "nothing: no firewall rule is needed", "enable_snmp_vrrp": "pairkeeper status --json", "enable_dbus": "the control socket",
	"lvs_flush": "nothing: services that pairkeeper did not make are left alone", "lvs_flush_on_stop": "ipvs.keep_on_stop", "vrrp_skip_check_adv_addr": "nothing: adverts are always checked",

	"BFD_CHECK": "icmp: {}", "FILE_CHECK": "exec: with a script that looks at the file",
	"sorry_server_inhibit": "nothing", "bind_if": "nothing", "bindto": "nothing",
}

// quiet are statements that need no word: they have no meaning outside of keepalived.
var quiet = strings.Fields("native_ipv6 accept debug linkbeat_use_polling snmp_name process_names process_name vrrp_process_name checker_process_name use_pid_dir")

// leave tells of all that has no place in the new file.
func (p *plan) leave() {
	for _, c := range p.configs {
		for _, s := range slices.Concat(c.Others, c.Global.Unread) {
			p.leaveOne(s)
		}
		for _, i := range c.Instances {
			for _, s := range i.Unread {
				if instance.has(s.Word()) {
					p.leaveOne(s)
				}
			}
			for _, t := range i.BFD {
				p.left(t.Pos, "track_bfd %s: in its place: heartbeat:", shown(t.Name))
			}
			if i.NoAccept || i.Strict {
				p.changed(i.Pos, "vrrp_instance %s: its addresses answer: no_accept and vrrp_strict have keepalived drop all packets to them", shown(i.Name))
			}
			if i.TrackSource {
				p.left(i.Pos, "track_src_ip of %s: in its place: track: [{interface: %s, address: …}]", shown(i.Name), shown(i.Interface))
			}
		}
		for _, g := range c.Groups {
			for _, s := range g.Tracks {
				p.left(s.Pos, "%s of vrrp_sync_group %s: put it into one of the routers: what any of a group tracks counts for all", s.Word(), shown(g.Name))
			}
		}
	}
}

func (p *plan) leaveOne(s *Statement) {
	word := s.Word()
	if slices.Contains(quiet, word) || word == "?" {
		return
	}
	text, ok := instead[word]
	if !ok {
		p.left(s.Pos, "%s: it has no counterpart", shown(strings.Join(s.Words, " ")))
		return
	}
	text, needless := strings.CutPrefix(text, "nothing: ")
	switch {
	case needless:
		p.left(s.Pos, "%s: it is not needed: %s", shown(strings.Join(s.Words, " ")), text)
	case text == "nothing":
		p.left(s.Pos, "%s: it is not needed", shown(strings.Join(s.Words, " ")))
	default:
		p.left(s.Pos, "%s: in its place: %s", shown(strings.Join(s.Words, " ")), text)
	}
}

// words are the keywords of statements.
func words(list []*Statement) string {
	var all []string
	for _, s := range list {
		all = append(all, shown(s.Word()))
	}
	return strings.Join(all, ", ")
}
