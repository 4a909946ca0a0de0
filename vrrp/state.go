package vrrp

// State is a state of RFC 9568 6.4; Fault is an Initialize that tells operators more.
type State uint8

// The states.
const (
	Initialize State = iota
	Backup
	Active
	Fault // Initialize with a reason that must be mended first
)

// Out tells that the router does not take part.
func (s State) Out() bool { return s == Initialize || s == Fault }

// String is the operator's word.
func (s State) String() string {
	switch s {
	case Initialize:
		return "INIT"
	case Backup:
		return "BACKUP"
	case Active:
		return "ACTIVE"
	case Fault:
		return "FAULT"
	}
	return "?"
}
