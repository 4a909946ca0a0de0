package daemon

import (
	"time"

	"github.com/pairkeeper/pairkeeper/internal/exposition"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
)

var virtualServerMetrics = []metric[VirtualServerStatus]{
	{exposition.Gauge, "pairkeeper_virtual_server_serves", "Whether this node balances the service.", value(func(s *VirtualServerStatus) float64 { return exposition.Bool(s.Serves) })},
	{exposition.Gauge, "pairkeeper_virtual_server_quorum", "Whether the good servers are enough.", value(func(s *VirtualServerStatus) float64 { return exposition.Bool(s.Quorum) })},
	{exposition.Gauge, "pairkeeper_virtual_server_since_timestamp_seconds", "Since when that is so.", instant(func(s *VirtualServerStatus) time.Time { return s.Since })},
	{exposition.Gauge, "pairkeeper_virtual_server_weight", "The weight of the good servers together.", value(func(s *VirtualServerStatus) float64 { return float64(s.Weight) })},
	{exposition.Gauge, "pairkeeper_virtual_server_quorum_weight", "The weight that the quorum needs.", value(func(s *VirtualServerStatus) float64 { return float64(s.Needed) })},
	{exposition.Gauge, "pairkeeper_virtual_server_servers", "Real servers.", value(func(s *VirtualServerStatus) float64 { return float64(s.Total) })},
	{exposition.Gauge, "pairkeeper_virtual_server_servers_up", "Real servers that are good.", value(func(s *VirtualServerStatus) float64 { return float64(s.Up) })},
	{exposition.Gauge, "pairkeeper_virtual_server_sorry", "Whether the sorry server serves.", value(func(s *VirtualServerStatus) float64 { return exposition.Bool(s.Apologizes) })},
	counted("pairkeeper_virtual_server_connections_total", "Connections, as the kernel counts them.", (*VirtualServerStatus).counters, func(c *ipvsnet.Counters) uint64 { return c.Connections }),
	counted("pairkeeper_virtual_server_received_packets_total", "Packets of clients.", (*VirtualServerStatus).counters, func(c *ipvsnet.Counters) uint64 { return c.PacketsIn }),
	counted("pairkeeper_virtual_server_sent_packets_total", "Packets to clients that came through this node.", (*VirtualServerStatus).counters, func(c *ipvsnet.Counters) uint64 { return c.PacketsOut }),
	counted("pairkeeper_virtual_server_received_bytes_total", "Bytes of clients.", (*VirtualServerStatus).counters, func(c *ipvsnet.Counters) uint64 { return c.BytesIn }),
	counted("pairkeeper_virtual_server_sent_bytes_total", "Bytes to clients that came through this node.", (*VirtualServerStatus).counters, func(c *ipvsnet.Counters) uint64 { return c.BytesOut }),
}

// realServer is a server with its service.
type realServer struct {
	service *VirtualServerStatus
	RealServerStatus
}

var realServerMetrics = []metric[realServer]{
	{exposition.Gauge, "pairkeeper_real_server_up", "Whether the checks of a real server say that it is good.", value(func(s *realServer) float64 { return exposition.Bool(s.Up) })},
	{exposition.Gauge, "pairkeeper_real_server_since_timestamp_seconds", "Since when they say so.", instant(func(s *realServer) time.Time { return s.Since })},
	{exposition.Gauge, "pairkeeper_real_server_weight", "Its weight in the kernel; none: the kernel does not have it.", inKernel(func(s *realServer) float64 { return float64(s.Weight) })},
	{exposition.Gauge, "pairkeeper_real_server_active_connections", "Connections that are established.", inKernel(func(s *realServer) float64 { return float64(s.Active) })},
	{exposition.Gauge, "pairkeeper_real_server_inactive_connections", "Connections in any other state.", inKernel(func(s *realServer) float64 { return float64(s.Inactive) })},
	counted("pairkeeper_real_server_connections_total", "Connections, as the kernel counts them.", (*realServer).counters, func(c *ipvsnet.Counters) uint64 { return c.Connections }),
	counted("pairkeeper_real_server_received_bytes_total", "Bytes of clients.", (*realServer).counters, func(c *ipvsnet.Counters) uint64 { return c.BytesIn }),
	counted("pairkeeper_real_server_sent_bytes_total", "Bytes to clients that came through this node.", (*realServer).counters, func(c *ipvsnet.Counters) uint64 { return c.BytesOut }),
}

func (s *VirtualServerStatus) counters() *ipvsnet.Counters { return s.Counters }
func (s *realServer) counters() *ipvsnet.Counters          { return s.Counters }

// counted is a family of what the kernel counts.
func counted[T any](name, help string, of func(*T) *ipvsnet.Counters, which func(*ipvsnet.Counters) uint64) metric[T] {
	return metric[T]{exposition.Counter, name, help, func(t *T, put adder) {
		if c := of(t); c != nil {
			put(float64(which(c)))
		}
	}}
}

// inKernel is a family of servers that the kernel has.
func inKernel(of func(*realServer) float64) func(*realServer, adder) {
	return func(s *realServer, put adder) {
		if s.Counters != nil {
			put(of(s))
		}
	}
}

// balancePage is what the daemon and the kernel say of the virtual servers.
func balancePage(p *exposition.Page, s IPVSStatus) {
	if len(s.VirtualServers) == 0 {
		return
	}
	p.Family(exposition.Gauge, "pairkeeper_ipvs_up", "Whether the kernel tells what it balances.")
	p.Add(exposition.Bool(s.Problem == ""))
	write(p, virtualServerMetrics, s.VirtualServers, func(s *VirtualServerStatus) []string {
		return []string{"virtual_server", s.Name, "service", s.Service}
	})
	var servers []realServer
	for i := range s.VirtualServers {
		v := &s.VirtualServers[i]
		for _, r := range v.Servers {
			servers = append(servers, realServer{v, r})
		}
	}
	write(p, realServerMetrics, servers, func(r *realServer) []string {
		return []string{"virtual_server", r.service.Name, "service", r.service.Service, "server", r.Address}
	})
}
