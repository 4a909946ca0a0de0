package daemon

import (
	"strconv"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// keepalivedStates are the numbers that keepalived has for a router's states.
var keepalivedStates = map[string]float64{"INIT": 0, "BACKUP": 1, "ACTIVE": 2, "FAULT": 3}

var keepalivedMetrics = []metric[RouterStatus]{
	{exposition.Counter, "keepalived_advertisements_received_total", "Advertisements received", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Received) })},
	{exposition.Counter, "keepalived_advertisements_sent_total", "Advertisements sent", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Sent) })},
	{exposition.Counter, "keepalived_become_master_total", "Became master", value(func(r *RouterStatus) float64 {
		return r.moves(func(t TransitionStatus) bool { return t.To == vrrp.Active.String() })
	})},
	{exposition.Counter, "keepalived_release_master_total", "Released master", value(func(r *RouterStatus) float64 {
		return r.moves(func(t TransitionStatus) bool { return t.From == vrrp.Active.String() })
	})},
	{exposition.Counter, "keepalived_priority_zero_received_total", "Priority zero received", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Released) })},
	{exposition.Counter, "keepalived_priority_zero_sent_total", "Priority zero sent", value(func(r *RouterStatus) float64 { return float64(r.Adverts.Releases) })},
	{exposition.Counter, "keepalived_packet_length_errors_total", "Packet length errors", refusals(vrrp.RefusalLength, vrrp.RefusalAHMalformed, vrrp.RefusalHMACMalformed)},
	{exposition.Counter, "keepalived_ip_ttl_errors_total", "TTL errors", refusals(vrrp.RefusalTTL)},
	{exposition.Counter, "keepalived_invalid_type_received_total", "Invalid type errors", refusals(vrrp.RefusalType)},
	{exposition.Counter, "keepalived_authentication_invalid_total", "Authentication invalid", refusals(vrrp.RefusalHMACMissing)},
	{exposition.Counter, "keepalived_authentication_mismatch_total", "Authentication mismatch", refusals(vrrp.RefusalAuthType)},
	{exposition.Counter, "keepalived_authentication_failure_total", "Authentication failure",
		refusals(vrrp.RefusalAuthMismatch, vrrp.RefusalHMACBad, vrrp.RefusalHMACUnknownKey, vrrp.RefusalReplay, vrrp.RefusalStale)},
	{exposition.Counter, "keepalived_address_list_errors_total", "Address list errors", value(func(r *RouterStatus) float64 {
		return r.refused(vrrp.RefusalNoAddresses) + r.noted(vrrp.ReasonAddressList)
	})},
	{exposition.Counter, "keepalived_advertisements_interval_errors_total", "Advertisement interval errors", value(func(r *RouterStatus) float64 {
		return r.refused(vrrp.RefusalIntervalZero) + r.noted(vrrp.ReasonIntervalRefused)
	})},
}

// keepalivedPage is what keepalived's exporter tells of the routers, and of the probes as
// scripts. Left out is what pairkeeper does not have.
func keepalivedPage(p *exposition.Page, s *Status) {
	p.Family(exposition.Gauge, "keepalived_up", "Status")
	p.Add(1)
	named := func(r *RouterStatus) []string {
		return []string{"iname", r.Name, "intf", r.Interface, "vrid", strconv.Itoa(r.VRID)}
	}
	write(p, keepalivedMetrics, s.Routers, named)
	write(p, []metric[RouterStatus]{
		{exposition.Gauge, "keepalived_vrrp_state", "State of vrrp", func(r *RouterStatus, put adder) {
			for _, a := range r.Addresses {
				put(keepalivedStates[r.State], "ip_address", a)
			}
		}},
	}, s.Routers, named)
	write(p, []metric[ProbeStatus]{
		{exposition.Gauge, "keepalived_script_status", "Tracker Script Status", value(func(t *ProbeStatus) float64 { return exposition.Bool(t.State == "good") })},
	}, s.Probes, func(t *ProbeStatus) []string { return []string{"name", t.Name} })
}

// moves is how many transitions were of a kind.
func (r *RouterStatus) moves(which func(TransitionStatus) bool) float64 {
	n := uint64(0)
	for _, t := range r.Transitions {
		if which(t) {
			n += t.Count
		}
	}
	return float64(n)
}

// refused is how many adverts were refused for some reasons.
func (r *RouterStatus) refused(why ...vrrp.Refusal) float64 {
	n := uint64(0)
	for _, c := range r.Adverts.Refused {
		for _, w := range why {
			if c.Reason == string(w) {
				n += c.Count
			}
		}
	}
	return float64(n)
}

func refusals(why ...vrrp.Refusal) func(*RouterStatus, adder) {
	return value(func(r *RouterStatus) float64 { return r.refused(why...) })
}

// noted is how often something was remarked.
func (r *RouterStatus) noted(what vrrp.Reason) float64 {
	n := uint64(0)
	for _, m := range r.Remarks {
		if m.Reason == string(what) {
			n += m.Count
		}
	}
	return float64(n)
}
