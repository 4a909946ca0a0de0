package keepalived

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"
)

// Options are what an import cannot know from the files.
type Options struct {
	Names     []string              // of the nodes, in the order of the files; those that are missing are made
	Addresses map[string]netip.Addr // by node; those that are missing are guessed from the files, or left open
	// Programs is where the scripts are that the files name; nil: where the first file is.
	Programs fs.FS
	// Usable tells why this host would not run a program; nil: it runs everything.
	Usable func(command []string, user string) error
	// Table is what ipvsadm-save wrote, with the name of its file; empty: there is none.
	Table, TableName string
}

// Result is a configuration of pairkeeper, and what is to be said of it.
type Result struct {
	YAML  []byte
	Nodes [2]string
	Notes []Note // by part, file and line
	Open  int    // places that are marked TODO
}

// ErrNothing is a configuration that has nothing for pairkeeper; the notes say why.
var ErrNothing = errors.New("there is no vrrp_instance and no virtual_server that could be taken over")

// Import translates the configuration of a pair: that of both nodes, or of one, from which
// that of the other is derived. Without any it takes over the table alone.
func Import(sources []Source, o Options) (*Result, error) {
	n := &notes{}
	var configs []*Config
	for _, s := range sources {
		c, err := read(s, n)
		if err != nil {
			return nil, err
		}
		configs = append(configs, c)
	}
	if len(configs) == 0 {
		configs = []*Config{{Source: Source{Files: noFiles{}}, Global: Global{GARP: noGARP}}}
	} else if len(configs) == 1 {
		if second := configs[0].other(n); second != nil {
			configs = append(configs, second)
		}
	}
	p := newPlan(configs, o, n)
	p.lint()
	p.translate()
	r := &Result{Nodes: [2]string{p.nodes[0].name, p.nodes[1].name}, Notes: n.sorted()}
	if len(p.routers)+len(p.servers) == 0 {
		return r, ErrNothing
	}
	r.YAML, r.Open = p.write()
	return r, nil
}

// noFiles is what an import of a table alone reads.
type noFiles struct{}

func (noFiles) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }

// other is the second node of a file that has both, told apart by @id: the file is read
// again for each of its two ids. The config itself becomes the first one's.
func (c *Config) other(n *notes) *Config {
	if len(c.IDs) != 2 {
		return nil
	}
	one, two := c.Source, c.Source
	one.ID, two.ID = c.IDs[0], c.IDs[1]
	if c.Source.ID == two.ID {
		one, two = two, one
	}
	first, err := read(one, n)
	second, err2 := read(two, n)
	if err != nil || err2 != nil {
		return nil
	}
	*c = *first
	return second
}

// plan is the new configuration in the making.
type plan struct {
	*notes
	configs []*Config // of one node, or of both
	options Options
	nodes   [2]node

	proxy    *proxy
	probes   []probe
	ideas    []idea // what stands as a comment, since it cannot be used as it is
	routers  []*router
	servers  []*server
	mail     *mail
	gateways []netip.Addr
	sync     *SyncDaemon
	tcp      string // ipvs.timeouts
	fin, udp string
	moving   bool // that the services move with the router has been said
}

// node is one of the two hosts.
type node struct {
	name    string
	address netip.Addr
	open    bool // the address is a place-holder
}

// idea is something that stands in the file as a comment.
type idea struct {
	under string // the key it belongs to
	lines []string
}

func newPlan(configs []*Config, o Options, n *notes) *plan {
	if o.Programs == nil {
		o.Programs = configs[0].Source.Files
	}
	p := &plan{notes: n, configs: configs, options: o}
	p.nameNodes()
	return p
}

// both tells whether the configuration of both nodes is known.
func (p *plan) both() bool { return len(p.configs) == 2 }

func (p *plan) translate() {
	p.makeRouters()
	p.findAddresses()
	p.finishRouters()
	p.makeProbes()
	p.makeHooks()
	p.makeMail()
	p.makeServers()
	p.makeTable()
	p.makeBalance()
	p.leave()
}

// usable tells whether this host would run a program; where it would not, why.
func (p *plan) usable(command []string, user string) error {
	switch {
	case len(command) == 0:
		return errors.New("names no program")
	case !strings.HasPrefix(command[0], "/"):
		return errors.New("is not an absolute path, and there is no such program in /usr/bin or /usr/sbin")
	case strings.ContainsFunc(strings.Join(command, ""), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r == 0xfffd }):
		return errors.New("has control characters")
	case p.options.Usable == nil:
		return nil
	}
	return p.options.Usable(command, user)
}
