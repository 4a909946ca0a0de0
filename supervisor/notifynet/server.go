package notifynet

import (
	"log/slog"
	"net/netip"

	"github.com/pairkeeper/pairkeeper/ipvs"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// ServerChange is what is told of a real server, or of the quorum of its service.
type ServerChange struct {
	supervisor.PoolAction
	Node, Peer string
}

// Served runs what a change of a service's servers has run.
func (h *Hooks) Served(c ServerChange, hooks supervisor.ServerHooks) {
	if key, hook := c.hook(&hooks); hook.Set() {
		h.put(entry{of: &c, calls: []call{{name: key, hook: *hook, of: &c}}})
	}
}

// hook is the one for a change, with its key in the configuration.
func (c *ServerChange) hook(h *supervisor.ServerHooks) (key string, hook *supervisor.Hook) {
	switch c.Action.(type) {
	case ipvs.ServerUp:
		return "up", &h.Up
	case ipvs.ServerDown:
		return "down", &h.Down
	case ipvs.QuorumGained:
		return "quorum_up", &h.QuorumUp
	}
	return "quorum_down", &h.QuorumDown
}

// server is whom the change is about, and why it came; invalid: about the quorum.
func (c *ServerChange) server() (at netip.AddrPort, why string) {
	switch a := c.Action.(type) {
	case ipvs.ServerUp:
		return a.Server, a.Why
	case ipvs.ServerDown:
		return a.Server, a.Why
	}
	return netip.AddrPort{}, c.Action.String()
}

func (c *ServerChange) name() string {
	if at, _ := c.server(); at.IsValid() {
		return c.Name + " server " + at.String()
	}
	return c.Name + " quorum"
}

func (c *ServerChange) key() string { return "server\n" + c.name() }

func (c *ServerChange) word() string {
	switch c.Action.(type) {
	case ipvs.ServerUp, ipvs.QuorumGained:
		return "UP"
	}
	return "DOWN"
}

// stops is never true: what the end has run for servers does not wait for the routers.
func (c *ServerChange) stops() bool { return false }

func (c *ServerChange) logger(log *slog.Logger) *slog.Logger { return log }

func (c *ServerChange) environment(hook string) []string {
	at, why := c.server()
	server := ""
	if at.IsValid() {
		server = at.String()
	}
	return []string{
		"PAIRKEEPER_HOOK=" + hook,
		"PAIRKEEPER_NODE=" + c.Node,
		"PAIRKEEPER_PEER=" + c.Peer,
		"PAIRKEEPER_VIRTUAL_SERVER=" + c.Name,
		"PAIRKEEPER_SERVICE=" + c.Service.String(),
		"PAIRKEEPER_SERVER=" + server,
		"PAIRKEEPER_STATE=" + c.word(),
		"PAIRKEEPER_REASON=" + string(c.Reason()),
		"PAIRKEEPER_DETAIL=" + why,
	}
}
