package keepalived

import "strings"

// grammar is what keepalived's blocks may have (keepalived.conf(5) of 2.2.7, and what
// later versions added).
var grammar = &kind{words: merge(
	plain("net_namespace net_namespace_ipvs namespace_with_ipsets instance use_pid_dir linkbeat_use_polling child_wait_time"),
	blocks(list, "static_ipaddress static_routes static_rules linkbeat_interfaces interface_up_down_delays virtual_server_group garp_group"),
	map[string]*kind{
		"global_defs":        global,
		"track_group":        {words: blocks(list, "group")},
		"static_track_group": {words: blocks(list, "group")},
		"vrrp_script":        script,
		"vrrp_track_process": trackProcess,
		"track_process":      trackProcess,
		"vrrp_track_file":    trackFile,
		"track_file":         trackFile,
		"bfd_instance":       list,
		"vrrp_sync_group":    syncGroup,
		"vrrp_instance":      instance,
		"virtual_server":     virtualServer,
		"SSL":                list,
	},
)}

// list is a block of words that mean nothing by themselves: addresses, names.
var list = &kind{free: true}

var (
	global = &kind{free: true, words: blocks(list, "notification_email")}
	script = &kind{words: plain("script interval timeout weight rise fall user init_fail")}

	trackProcess = &kind{words: plain("process full_command param_match weight quorum quorum_max fork_delay terminate_delay delay")}
	trackFile    = &kind{words: plain("file weight init_file")}

	syncGroup = &kind{free: true, words: merge(
		blocks(list, "group track_interface track_script track_file track_process track_bfd"),
		plain("notify notify_master notify_backup notify_fault notify_stop notify_priority_changes global_tracking sync_group_tracking_weight smtp_alert"))}

	instance = &kind{words: merge(
		plain(`state interface virtual_router_id priority advert_int version nopreempt preempt preempt_delay accept no_accept strict_mode
			use_vmac use_vmac_addr use_ipvlan vmac_xmit_base native_ipv6 dont_track_primary track_src_ip linkbeat_use_polling
			mcast_src_ip unicast_src_ip mcast_dst_ip unicast_ttl check_unicast_src unicast_fault_no_peer old_unicast_checksum
			garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat garp_extra_if garp_interval gna_interval
			down_timer_adverts lower_prio_no_advert higher_prio_send_advert skip_check_adv_addr promote_secondaries debug kernel_rx_buf_size
			notify notify_master notify_backup notify_fault notify_stop notify_deleted notify_master_rx_lower_pri notify_priority_changes smtp_alert
			lvs_sync_daemon_interface authentication_hmac auth_hmac`),
		blocks(list, "virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules unicast_peer track_interface track_script track_file track_process track_bfd"),
		map[string]*kind{"authentication": {words: plain("auth_type auth_pass")}},
	)}

	realServer = &kind{words: merge(
		plain("weight lvs_method lb_kind inhibit_on_failure notify_up notify_down virtualhost snmp_name smtp_alert uthreshold lthreshold alpha retry delay_before_retry warmup delay_loop connect_timeout log_all_failures"),
		map[string]*kind{"HTTP_GET": webCheck, "SSL_GET": webCheck},
		blocks(check, "TCP_CHECK SMTP_CHECK DNS_CHECK MISC_CHECK PING_CHECK UDP_CHECK BFD_CHECK FILE_CHECK"))}

	check = &kind{words: merge(
		plain(`connect_ip connect_port bindto bind_port bind_if fwmark connect_timeout retry nb_get_retry delay_before_retry warmup delay_loop log_all_failures alpha
			helo_name type name misc_path misc_timeout misc_dynamic user payload require_reply min_reply_length max_reply_length track_file reverse weight`),
		blocks(list, "host"))}
	webCheck = &kind{words: merge(check.words, plain("http_protocol virtualhost enable_sni fast_recovery tls_compliant"),
		map[string]*kind{"url": {words: plain("path digest status_code virtualhost regex regex_no_match regex_options regex_stack regex_min_offset regex_max_offset tls_compliant")}})}

	virtualServer = &kind{words: merge(
		plain(`lvs_sched lb_algo lvs_method lb_kind protocol persistence_timeout persistence_granularity persistence_engine ops ha_suspend smtp_alert virtualhost snmp_name
			alpha omega quorum hysteresis quorum_up quorum_down sorry_server sorry_server_inhibit sorry_server_lvs_method ip_family delay_loop delay_before_retry retry warmup connect_timeout
			weight inhibit_on_failure flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback`),
		map[string]*kind{"real_server": realServer})}
)

func plain(words string) map[string]*kind { return blocks(nil, words) }

func blocks(k *kind, words string) map[string]*kind {
	m := map[string]*kind{}
	for _, w := range strings.Fields(words) {
		m[w] = k
	}
	return m
}

func merge(all ...map[string]*kind) map[string]*kind {
	m := map[string]*kind{}
	for _, one := range all {
		for w, k := range one {
			m[w] = k
		}
	}
	return m
}
