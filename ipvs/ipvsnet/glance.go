package ipvsnet

import "github.com/pairkeeper/pairkeeper/ipvs"

// Glance is the table, of which the servers of some services are taken from what was seen
// before: in a large table, reading them all takes long. known tells which.
func (k *Kernel) Glance(known func(ipvs.Key) (servers []ipvs.Server, ok bool)) (ipvs.Table, error) {
	var t ipvs.Table
	list, err := k.Services()
	if err != nil {
		return t, err
	}
	for i := range list {
		u := &list[i]
		if servers, ok := known(u.Service.Key); ok {
			u.Service.Servers = servers
		} else if err := k.Fill(u); err != nil {
			return t, err
		}
		t.Services = append(t.Services, u.Service)
	}
	if t.Sync, err = k.syncs(); err != nil {
		return t, err
	}
	t.Timeouts, err = k.timeouts()
	return t, err
}

// Table is what the kernel has.
func (k *Kernel) Table() (ipvs.Table, error) {
	return k.Glance(func(ipvs.Key) ([]ipvs.Server, bool) { return nil, false })
}
