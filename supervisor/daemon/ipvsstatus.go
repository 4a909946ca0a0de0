package daemon

import (
	"net/http"
	"time"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/ipvs/ipvsnet"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// IPVSStatus is what the daemon and the kernel say of the virtual servers, as the control
// socket's JSON.
type IPVSStatus struct {
	Schema         int                   `json:"schema"`
	Node           string                `json:"node"`
	Problem        string                `json:"problem,omitempty"` // the kernel cannot be asked
	VirtualServers []VirtualServerStatus `json:"virtual_servers"`
}

// VirtualServerStatus is one service of a virtual server.
type VirtualServerStatus struct {
	Name       string    `json:"name"`
	Service    string    `json:"service"` // such as tcp 10.0.0.3:80
	Options    string    `json:"options"` // the scheduler and what else there is
	Router     string    `json:"router,omitempty"`
	Serves     bool      `json:"serves"` // this node does
	Quorum     bool      `json:"quorum"`
	Since      time.Time `json:"since"` // of the quorum
	Weight     int       `json:"weight"`
	Needed     int       `json:"quorum_weight"`
	Up         int       `json:"servers_up"`
	Total      int       `json:"servers_total"`
	Apologizes bool      `json:"sorry_server_serves,omitempty"`
	// What the kernel has counted; none: it does not have the service.
	Counters *ipvsnet.Counters  `json:"counters,omitempty"`
	Servers  []RealServerStatus `json:"servers,omitempty"`
}

// RealServerStatus is one real server.
type RealServerStatus struct {
	Address string    `json:"address"`
	Forward string    `json:"forward"`
	Weight  int       `json:"weight"` // in the kernel
	Up      bool      `json:"up"`
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason"` // the last word of its checks
	// What the kernel has counted; none: it does not have the server.
	Counters   *ipvsnet.Counters `json:"counters,omitempty"`
	Active     uint32            `json:"active_connections"`
	Inactive   uint32            `json:"inactive_connections"`
	Persistent uint32            `json:"persistent_connections,omitempty"`
}

// servicesAtOnce is how many services the loop's thread looks at before it goes on with its
// own work: each has up to some hundred servers.
const servicesAtOnce = 8

// services are all services, as far as the loop runs.
func (d *Daemon) services() []supervisor.ServiceView {
	var list []supervisor.ServiceView
	for more := true; more; {
		more = false
		d.mail.ask(func() {
			for n := range servicesAtOnce {
				if len(list) >= d.loop.node.Services() {
					return
				}
				list = append(list, d.loop.node.Service(len(list)))
				more = n == servicesAtOnce-1
			}
		})
	}
	return list
}

// virtualServerStatus is a service without its servers.
func virtualServerStatus(v supervisor.ServiceView) VirtualServerStatus {
	s := VirtualServerStatus{
		Name: v.Config.Name, Service: v.Config.Key.String(), Options: v.Config.Options.String(), Router: v.Router, Serves: v.Serves,
		Quorum: v.Quorum, Since: when(v.QuorumSince), Weight: v.Weight, Needed: v.Config.Quorum, Total: len(v.Servers), Apologizes: v.Apologizes,
	}
	for i := range v.Servers {
		if v.Servers[i].Up {
			s.Up++
		}
	}
	return s
}

// IPVS is the daemon's view of its virtual servers, and the kernel's.
func (d *Daemon) IPVS() IPVSStatus {
	return ipvsStatus(d.opts.Source.Config.Node, d.services())
}

// ipvsStatus adds what the kernel has counted.
func ipvsStatus(node string, views []supervisor.ServiceView) IPVSStatus {
	s := IPVSStatus{Schema: 1, Node: node, VirtualServers: []VirtualServerStatus{}}
	counted, err := usage(views)
	if err != nil {
		s.Problem = err.Error()
	}
	for _, v := range views {
		s.VirtualServers = append(s.VirtualServers, inFull(v, counted[v.Config.Key]))
	}
	return s
}

// usage is what the kernel has counted.
func usage(views []supervisor.ServiceView) (map[ipvs.Key]*ipvsnet.Usage, error) {
	if len(views) == 0 {
		return nil, nil
	}
	kernel, err := ipvsnet.Open()
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	list, err := kernel.Usage()
	counted := make(map[ipvs.Key]*ipvsnet.Usage, len(list))
	for i := range list {
		counted[list[i].Service.Key] = &list[i]
	}
	return counted, err
}

// inFull is a service with its servers, the sorry server among them while it serves; counted
// is nil where the kernel does not have the service.
func inFull(v supervisor.ServiceView, counted *ipvsnet.Usage) VirtualServerStatus {
	s := virtualServerStatus(v)
	at := map[string]int{}
	for _, r := range v.Servers {
		at[r.Server.Address.String()] = len(s.Servers)
		s.Servers = append(s.Servers, RealServerStatus{
			Address: r.Server.Address.String(), Forward: r.Server.Forward.String(), Up: r.Up, Since: when(r.Since), Reason: r.Why,
		})
	}
	if v.Apologizes {
		sorry := v.Config.Sorry
		at[sorry.Address.String()] = len(s.Servers)
		s.Servers = append(s.Servers, RealServerStatus{Address: sorry.Address.String(), Forward: sorry.Forward.String(), Up: true, Since: s.Since, Reason: "sorry server"})
	}
	if counted == nil {
		return s
	}
	s.Counters = &counted.Counters
	for i, one := range counted.Service.Servers {
		if n, ours := at[one.Address.String()]; ours {
			u := &counted.Servers[i]
			r := &s.Servers[n]
			r.Weight, r.Counters, r.Active, r.Inactive, r.Persistent = one.Weight, &u.Counters, u.Active, u.Inactive, u.Persistent
		}
	}
	return s
}

func (d *Daemon) serveIPVS(w http.ResponseWriter, _ *http.Request) { answer(w, d.IPVS()) }
