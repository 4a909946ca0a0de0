package ipvs

import (
	"fmt"
	"time"
)

// Table is what the kernel has, or is to have.
type Table struct {
	Services []Service // no two with the same key
	Sync     []Sync    // at most one of each role
	Timeouts Timeouts
}

// Role is what a sync daemon does.
type Role uint8

// The roles, with the kernel's numbers.
const (
	Master Role = 1 // tells its connections
	Backup Role = 2 // listens to those of the other node
)

func (r Role) String() string {
	switch r {
	case Master:
		return "master"
	case Backup:
		return "backup"
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// Sync is one of the kernel's daemons that keep the connections of two nodes the same.
type Sync struct {
	Role      Role
	ID        uint8 // of the pair; a backup with 0 listens to all
	Interface string
}

func (s Sync) String() string { return fmt.Sprintf("%s %d on %s", s.Role, s.ID, s.Interface) }

// Timeouts are after what time of silence a connection is forgotten, in whole seconds. Zero:
// what the kernel has, which is 15m, 2m and 5m.
type Timeouts struct {
	TCP    time.Duration
	TCPFin time.Duration // after the first FIN
	UDP    time.Duration
}

// over is t where it says something, else what is in force.
func (t Timeouts) over(have Timeouts) Timeouts {
	for _, one := range []struct{ want, have *time.Duration }{{&t.TCP, &have.TCP}, {&t.TCPFin, &have.TCPFin}, {&t.UDP, &have.UDP}} {
		if *one.want == 0 {
			*one.want = *one.have
		}
	}
	return t
}
