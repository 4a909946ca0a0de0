package probes

// Unit asks systemd for the state of a unit.
type Unit struct {
	Name string // with its suffix
}

func (Unit) isCheck() {}
