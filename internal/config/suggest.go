package config

import "strings"

// elsewhere says of keys that people bring along, from keepalived or from what is planned
// for pairkeeper, how to say the same here.
var elsewhere = map[string]string{
	"heartbeat":               notYet,
	"arbitration":             notYet,
	"tcp":                     notYet,
	"tls":                     notYet,
	"icmp":                    notYet,
	"exec":                    notYet,
	"script":                  notYet,
	"notify":                  notYet,
	"state":                   "is not known: there is no state here, the priorities decide",
	"virtual_router_id":       "is not known: it is vrid here",
	"advert_int":              "is not known: it is advert_interval here, with a unit",
	"virtual_ipaddress":       "is not known: it is addresses here",
	"nopreempt":               "is not known: write preempt: false",
	"weight":                  "is not known here: weights stand in track:, as in " + trackExample,
	"track_interface":         "is not known: it is track here, as in " + trackExample,
	"down_timer_adverts":      "is not known: it is down_adverts here",
	"use_vmac":                "is not known: write virtual_mac: true",
	"vmac_xmit_base":          "is not known: write virtual_mac: {adverts: base}",
	"unicast_peer":            "is not known: write unicast: true, or unicast: {addresses: …} with the address of each node",
	"unicast_src_ip":          "is not known: write unicast: true, or unicast: {addresses: …} with the address of each node",
	"check_unicast_src":       "is not known: write unicast: {check_source: …}",
	"sync_group":              "is not known: it is group here, in each of its routers",
	"authentication":          "is not known: it is auth here",
	"auth_hmac":               "is not known: write auth: " + hmacExample,
	"time_window":             "is not known: it is window here, with a unit",
	"active_key":              "is not known: the first of keys: signs",
	"auth_type":               `is not known: write auth: {type: pass, password: "…"}`,
	"auth_pass":               `is not known: write auth: {type: pass, password: "…"}`,
	"garp_master_delay":       "is not known: write garp: {again: …}",
	"garp_master_repeat":      "is not known: write garp: {burst: …}",
	"garp_master_refresh":     "is not known: write garp: {refresh: …}",
	"real_server":             "is not known: servers are a list here, as in servers: " + serversExample,
	"lb_algo":                 "is not known: it is scheduler here",
	"lvs_sched":               "is not known: it is scheduler here",
	"lb_kind":                 "is not known: it is forward here: nat, dr or tunnel",
	"lvs_method":              "is not known: it is forward here: nat, dr or tunnel",
	"persistence_timeout":     "is not known: it is persistence here, with a unit",
	"persistence_granularity": "is not known: write persistence: {timeout: 5m, prefix: 24}",
	"delay_loop":              "is not known: it is interval here, in check:, with a unit",
	"lvs_sync_daemon":         "is not known: write ipvs: {sync: " + syncExample + "}",
	"TCP_CHECK":               "is not known: write check: {tcp: {}}",
	"HTTP_GET":                "is not known: write check: {http: /healthz}",
	"SSL_GET":                 "is not known: write check: {https: /healthz}",
	"MISC_CHECK":              "is not known: write check: {exec: " + execExample + "}",
	"SMTP_CHECK":              "is not known: write check: {smtp: {}}",
	"DNS_CHECK":               "is not known: write check: {dns: {name: example.com}}",
	"UDP_CHECK":               "is not known: write check: {udp: {}}",
	"helo_name":               "is not known: it is helo here",
	"payload":                 "is not known: write send: " + hexExample,
	"require_reply":           "is not known: write answer: true, or expect: {hex: \"80 xx\"}",
	"status_code":             "is not known: it is status here",
	"virtualhost":             "is not known: it is host here",
	"connect_port":            "is not known: it is port here",
	"connect_timeout":         "is not known: it is timeout here, with a unit",
	"PING_CHECK":              "is not known: write check: {icmp: {}}",
	"<<":                      "is a merge key, merging is not supported: write the keys out",
}

const notYet = "is not known to this version of pairkeeper"

// unknown says that a key is not known, and which one was probably meant.
func unknown(key string, known []string) string {
	if s, ok := elsewhere[key]; ok {
		return s
	}
	if s := nearest(key, known); s != "" {
		return "is not known: did you mean " + s + "?"
	}
	if len(known) == 0 {
		return "is not known: there are no keys here"
	}
	return "is not known: here are known " + strings.Join(known, ", ")
}

// nearest is the word that a misspelt one was probably meant to be, or empty.
func nearest(s string, words []string) string {
	if len(s) > maxShown {
		return ""
	}
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	best, least := "", 3
	for _, w := range words {
		d := distance(plain(s), plain(w))
		if d < least && d*3 <= len(w) {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of letters to change, add, remove or swap with the next
// (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
