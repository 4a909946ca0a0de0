package ipvs

// Config is one service of a virtual server: one address and port with its real servers.
type Config struct {
	Name    string // for messages
	Key     Key
	Options Options
	Servers []Real // no two with the same address and port
	Sorry   Server // serves while there is no quorum; without an address: there is none
	// Quorum is how much weight the good servers must have together, as keepalived counts
	// it: it is lost below Quorum - Hysteresis, or with no weight at all, and gained at
	// Quorum + Hysteresis.
	Quorum, Hysteresis int
	Alpha              bool // servers are failed until their checks say otherwise, not good
	Omega              bool // the end is told as the failure of every server
}

// Real is a real server with what is known of its checks.
type Real struct {
	Server  Server // with its own weight
	Checks  int    // how many there are; 0: it is always good
	Inhibit bool   // while it is failed it stays with weight 0, so that its connections finish
}

// MaxWeight is the kernel's limit.
const MaxWeight = 65535

// hasSorry tells whether there is a sorry server.
func (c *Config) hasSorry() bool { return c.Sorry.Address.IsValid() }
