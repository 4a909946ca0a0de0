package ipvs

import (
	"net/netip"
	"slices"
)

// Apply is a table after some changes, as the kernel would have it; what the kernel would
// refuse, such as a service that is there already, changes nothing.
func Apply(t Table, ops []Op) Table {
	t.Services, t.Sync = slices.Clone(t.Services), slices.Clone(t.Sync)
	for _, op := range ops {
		t.apply(op)
	}
	return t
}

func (t *Table) apply(op Op) {
	switch op := op.(type) {
	case AddService:
		if t.service(op.Key) == nil {
			t.Services = append(t.Services, Service{Key: op.Key, Options: op.Options})
		}
	case EditService:
		if s := t.service(op.Key); s != nil {
			s.Options = op.Options
		}
	case RemoveService:
		t.Services = slices.DeleteFunc(t.Services, func(s Service) bool { return s.Key == op.Key })
	case AddServer:
		if s := t.service(op.Key); s != nil && s.find(op.Server.Address) < 0 {
			s.Servers = append(slices.Clip(s.Servers), op.Server)
		}
	case EditServer:
		if s := t.service(op.Key); s != nil {
			s.edit(op.Server)
		}
	case RemoveServer:
		if s := t.service(op.Key); s != nil {
			s.Servers = slices.DeleteFunc(slices.Clone(s.Servers), func(one Server) bool { return one.Address == op.Address })
		}
	case SetTimeouts:
		t.Timeouts = op.Timeouts
	case StartSync:
		if !slices.ContainsFunc(t.Sync, func(s Sync) bool { return s.Role == op.Sync.Role }) {
			t.Sync = append(t.Sync, op.Sync)
		}
	case StopSync:
		t.Sync = slices.DeleteFunc(t.Sync, func(s Sync) bool { return s.Role == op.Role })
	}
}

func (t *Table) service(k Key) *Service {
	i := slices.IndexFunc(t.Services, func(s Service) bool { return s.Key == k })
	if i < 0 {
		return nil
	}
	return &t.Services[i]
}

func (s *Service) find(a netip.AddrPort) int {
	return slices.IndexFunc(s.Servers, func(one Server) bool { return one.Address == a })
}

func (s *Service) edit(server Server) {
	if i := s.find(server.Address); i >= 0 {
		s.Servers = slices.Clone(s.Servers)
		s.Servers[i] = server
	}
}
