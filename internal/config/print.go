package config

import (
	"io"
	"net/netip"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// Print writes the configuration with every default in it. Secrets are masked;
// otherwise it parses to the same configuration.
func (d *Document) Print(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(d.tree().Node); err != nil {
		return err
	}
	return e.Close()
}

// tree builds a mapping of the file, key by key.
type tree struct{ *yaml.Node }

func block() tree { return tree{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}} }
func flow() tree {
	return tree{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}}
}

func (t tree) set(key string, v *yaml.Node) { t.Content = append(t.Content, text(key), v) }

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func quote(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: s}
}

func number[N ~int | ~uint8](n N) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(int(n))}
}

func boolean(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b)}
}

func duration(d time.Duration) *yaml.Node { return text(printDuration(d)) }

func list() *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"} }

func flowList() *yaml.Node {
	n := list()
	n.Style = yaml.FlowStyle
	return n
}

// words are arguments; what is not plain is quoted.
func words(list []string) *yaml.Node {
	n := flowList()
	for _, s := range list {
		if printable(s) {
			n.Content = append(n.Content, text(s))
		} else {
			n.Content = append(n.Content, quote(s))
		}
	}
	return n
}

func (d *Document) tree() tree {
	t := block()
	if d.node != "" {
		t.set("node", text(d.node))
	}
	t.set("reload", text(map[bool]string{false: "auto", true: "manual"}[d.manual]))
	t.set("recorder", d.recorderTree())
	nodes := block()
	for _, n := range d.nodes {
		one := flow()
		one.set("address", text(n.address.String()))
		one.set("priority", number(n.priority))
		nodes.set(n.name, one.Node)
	}
	t.set("nodes", nodes.Node)
	if len(d.routers) > 0 {
		t.set("when_all_unhealthy", text(d.policy()))
		t.set("gate", text(d.gateWord()))
		t.set("restart_window", duration(d.restart))
	}
	if d.proxy != nil {
		t.set("proxy", proxyTree(d.proxy))
	}
	if len(d.probes) > 0 {
		all := list()
		for _, p := range d.probes {
			all.Content = append(all.Content, probeTree(p))
		}
		t.set("probes", all)
	}
	if h := hooksTree(&d.hooks); h != nil {
		t.set("hooks", h)
	}
	if len(d.receivers) > 0 {
		all := list()
		for _, r := range d.receivers {
			all.Content = append(all.Content, receiverTree(r))
		}
		t.set("notify", all)
	}
	if d.heartbeat != nil {
		t.set("heartbeat", d.heartbeatTree())
		t.set("arbitration", d.arbitration.tree())
	}
	if d.fence != nil {
		t.set("fence", d.fenceTree())
	}
	if len(d.routers) > 0 {
		all := list()
		for _, r := range d.routers {
			all.Content = append(all.Content, d.routerTree(r))
		}
		t.set("virtual_routers", all)
	}
	if len(d.virtualServers) > 0 {
		all := list()
		for i := range d.virtualServers {
			all.Content = append(all.Content, virtualServerTree(&d.virtualServers[i]))
		}
		t.set("virtual_servers", all)
	}
	if d.balance != (balance{}) {
		t.set("ipvs", d.balance.tree())
	}
	if d.metrics.set {
		t.set("metrics", d.metricsTree())
	}
	if d.page.listen != "" || d.page.byNode != nil {
		t.set("page", d.pageTree())
	}
	return t
}

func proxyTree(p *supervisor.Proxy) *yaml.Node {
	t := block()
	if p.Unit != "" {
		t.set("unit", text(p.Unit))
	} else {
		t.set("command", words(p.Command))
	}
	t.set("test", words(p.Test))
	t.set("watch", words(p.Watch))
	t.set("reload", text(reloadWords[p.Reload]))
	t.set("test_timeout", duration(p.TestTimeout))
	t.set("restart_timeout", duration(p.RestartTimeout))
	if len(p.Command) > 0 {
		t.set("stop_timeout", duration(p.StopTimeout))
	}
	t.set("ladder", ladderTree(p.Ladder))
	t.set("wait", duration(p.Wait))
	t.set("attempts", number(p.Attempts))
	t.set("budget", number(p.Budget))
	t.set("window", duration(p.Window))
	t.set("retry", duration(p.Retry))
	t.set("retry_max", duration(p.RetryMax))
	t.set("give_up", text(giveUpWord(p)))
	t.set("rise", number(p.Rise))
	t.set("look", duration(p.Look))
	return t.Node
}

func (d *Document) routerTree(r router) *yaml.Node {
	s := r.shared
	t := block()
	t.set("name", text(s.Name))
	t.set("interface", text(s.Interface))
	if s.AdvertInterface != "" {
		t.set("advert_interface", text(s.AdvertInterface))
	}
	t.set("vrid", number(s.VRRP.VRID))
	t.set("version", number(uint8(s.VRRP.Version)))
	t.set("advert_interval", duration(s.VRRP.Interval))
	t.set("down_adverts", number(s.VRRP.DownAdverts))
	priority := flow()
	for _, n := range d.nodes {
		priority.set(n.name, number(r.priority[n.name]))
	}
	t.set("priority", priority.Node)
	if s.Group != "" {
		t.set("group", text(s.Group))
	}
	addresses := list()
	for _, a := range s.Addresses {
		addresses.Content = append(addresses.Content, addressTree(a))
	}
	t.set("addresses", addresses)
	t.set("virtual_mac", macTree(s.VirtualMAC))
	t.set("unicast", d.unicastTree(r))
	t.set("preempt", boolean(s.VRRP.Preempt))
	t.set("preempt_delay", duration(s.VRRP.PreemptDelay))
	t.set("preempt_delay_max", duration(s.PreemptDelayMax))
	t.set("flap_window", duration(s.FlapWindow))
	t.set("auth", authTree(r))
	if s.VRRP.Version == vrrp.V3 && !r.v6() {
		t.set("checksum", text(map[vrrp.Checksum]string{vrrp.ChecksumPseudo: "pseudo", vrrp.ChecksumPlain: "plain"}[s.Format.Checksum]))
	}
	if len(r.tracks) > 0 {
		tracks := list()
		for _, one := range r.tracks {
			tracks.Content = append(tracks.Content, d.trackTree(one))
		}
		t.set("track", tracks)
	}
	garp := flow()
	garp.set("burst", number(s.Burst))
	garp.set("again", duration(s.VRRP.AnnounceAgain))
	garp.set("refresh", duration(s.VRRP.AnnounceEvery))
	garp.set("reply", boolean(s.Replies))
	t.set("garp", garp.Node)
	if h := hooksTree(&r.hooks); h != nil {
		t.set("hooks", h)
	}
	return t.Node
}

func addressTree(a supervisor.Address) *yaml.Node {
	t := flow()
	t.set("address", text(a.Prefix.String()))
	if a.Label != "" {
		t.set("label", quote(a.Label))
	}
	t.set("noprefixroute", boolean(a.NoPrefixRoute))
	return t.Node
}

func macTree(m supervisor.VirtualMAC) *yaml.Node {
	if m.Name == "" {
		return boolean(false)
	}
	t := flow()
	t.set("name", text(m.Name))
	adverts := "virtual"
	if m.FromBase {
		adverts = "base"
	}
	t.set("adverts", text(adverts))
	return t.Node
}

func (d *Document) unicastTree(r router) *yaml.Node {
	if r.unicast == nil {
		return boolean(false)
	}
	t := block()
	t.set("addresses", d.byNodeTree(r.unicast.addresses))
	t.set("min_ttl", number(r.unicast.lowest))
	t.set("max_ttl", number(r.unicast.most))
	t.set("check_source", boolean(!r.shared.Format.AnySource))
	return t.Node
}

func (d *Document) byNodeTree(addresses map[string]netip.Addr) *yaml.Node {
	t := flow()
	for _, n := range d.nodes {
		t.set(n.name, text(addresses[n.name].String()))
	}
	return t.Node
}

func (d *Document) trackTree(one track) *yaml.Node {
	t := flow()
	t.set("interface", text(one.Interface))
	t.set("need", text(needs[one.Need]))
	switch {
	case one.addresses != nil:
		t.set("address", d.byNodeTree(one.addresses))
	case one.Address.IsValid():
		t.set("address", text(one.Address.String()))
	}
	if one.Weight == 0 {
		t.set("fatal", boolean(true))
	} else {
		t.set("weight", number(one.Weight))
	}
	t.set("reverse", boolean(one.Reverse))
	return t.Node
}

func authTree(r router) *yaml.Node {
	t := flow()
	auth := &r.shared.Format.Auth
	switch auth.Type {
	case vrrp.AuthNone:
		t.set("type", text("none"))
	case vrrp.AuthHMAC:
		t = block()
		t.set("type", text("hmac"))
		t.set("keys", keysTree(r.secrets))
		t.set("mode", text(hmacModes[auth.Mode]))
		t.set("window", duration(auth.Window))
	default:
		t.set("type", text(map[vrrp.AuthType]string{vrrp.AuthPass: "pass", vrrp.AuthAH: "ah"}[auth.Type]))
		t.set(secretTree(r.secrets[0], "password", "password_file", "password_credential"))
	}
	return t.Node
}

// keysTree is a list of keys, each with its id.
func keysTree(secrets []secret) *yaml.Node {
	keys := list()
	for _, s := range secrets {
		k := flow()
		k.set("id", number(s.id))
		k.set(secretTree(s, "", "file", "credential"))
		keys.Content = append(keys.Content, k.Node)
	}
	return keys
}

// secretTree is where a secret comes from, under the key for it; the secret itself is
// masked.
func secretTree(s secret, inline, file, credential string) (key string, v *yaml.Node) {
	switch {
	case s.file != "":
		return file, quote(s.file)
	case s.credential != "":
		return credential, text(s.credential)
	}
	return inline, quote(mask)
}
