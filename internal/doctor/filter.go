package doctor

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	pf "github.com/pairkeeper/pairkeeper/internal/packetfilter"
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// filterChecks are about this node's own packet filter.
var filterChecks = []check{
	{id: "vrrp-blocked", looks: "the packet filter lets VRRP (protocol 112) in and out", needs: []Area{AreaFilter}, concerns: filtersRouters, judge: blockedAdverts},
	{id: "heartbeat-blocked", looks: "the packet filter lets the heartbeat in and out", needs: []Area{AreaFilter}, concerns: filtersHeartbeat, judge: blockedHeartbeat},
	{id: "witness-blocked", looks: "the packet filter lets questions to the witness out, and answers in", needs: []Area{AreaFilter}, concerns: filtersWitness, judge: blockedWitness},
}

func filtersRouters(f *Facts) bool   { return f.Filter != nil && hasRouters(f) }
func filtersHeartbeat(f *Facts) bool { return f.Filter != nil && len(f.Config.Heartbeat.Links) > 0 }
func filtersWitness(f *Facts) bool   { return f.Filter != nil && len(witnesses(f)) > 0 }

func witnesses(f *Facts) (list []string) {
	for _, v := range f.Config.Arbitration.Voters {
		if v.Witness != "" {
			list = append(list, v.Witness)
		}
	}
	return list
}

// passage is a packet that has to pass, with what it is for people.
type passage struct {
	what   string // VRRP from lb02
	packet pf.Packet
	works  string // evidence that it passes, whatever the rules seem to say; empty: none
	why    string
}

func blockedAdverts(f *Facts) (list []Finding) {
	for i := range f.Config.Routers {
		r := &f.Config.Routers[i]
		for _, p := range f.advertPassages(r) {
			list = append(list, f.judged(p)...)
		}
	}
	return list
}

// advertPassages are an advert of the other node that comes in and one of this node that goes
// out.
func (f *Facts) advertPassages(r *supervisor.Router) []passage {
	in := pf.Packet{Interface: r.AdvertsOn(), IPv6: r.IPv6(), Protocol: vrrp.Protocol, States: []string{"new"}, Multicast: !r.Unicast()}
	if r.Format.Auth.Type == vrrp.AuthAH {
		in.Protocol = vrrp.ProtocolAH
	}
	out := in
	out.Out = true
	switch {
	case r.Unicast():
		peer := r.Format.Peers[0].Address
		in.From, in.To, out.From, out.To = peer, r.Source, r.Source, peer
	case r.IPv6():
		in.To, out.To = vrrp.Group6, vrrp.Group6
	default:
		in.From, in.To, out.From, out.To = r.Peer, vrrp.Group4, r.Source, vrrp.Group4
	}
	works := ""
	if f.Daemon != nil {
		for _, one := range f.Daemon.Routers {
			if one.Name == r.Name && one.Heard != "" {
				works = "but the daemon does hear adverts of " + one.Heard
			}
		}
	}
	const why = "a Backup that does not hear the Active node takes the addresses from it: both hold them, unless a heartbeat tells otherwise"
	return []passage{
		{fmt.Sprintf("VRRP from %s on %s (router %s)", f.Config.Peer, in.Interface, r.Name), in, works, why},
		{fmt.Sprintf("this node's VRRP on %s (router %s)", in.Interface, r.Name), out, "", why},
	}
}

func blockedHeartbeat(f *Facts) (list []Finding) {
	for _, link := range f.Config.Heartbeat.Links {
		in := pf.Packet{
			Interface: f.ifaceOf(link.Local.Addr()), IPv6: link.Local.Addr().Is6(), Protocol: 17, States: []string{"new", "established"},
			From: link.Peer.Addr(), FromPort: link.Peer.Port(), To: link.Local.Addr(), ToPort: link.Local.Port(),
		}
		out := in
		out.Out, out.From, out.To, out.FromPort, out.ToPort = true, in.To, in.From, in.ToPort, in.FromPort
		const why = "without the heartbeat a node cannot tell a dead peer from a cut cable, nor hand over without a gap"
		works := f.linkWorks(link)
		list = append(list, f.judged(passage{"the heartbeat from " + link.Peer.String(), in, works, why})...)
		list = append(list, f.judged(passage{"the heartbeat to " + link.Peer.String(), out, works, why})...)
	}
	return list
}

func (f *Facts) linkWorks(link supervisor.HeartbeatLink) string {
	if f.Daemon == nil {
		return ""
	}
	for _, l := range f.Daemon.Links {
		if l.Peer == link.Peer.Addr().String() && l.State == "both-ways" {
			return "but the daemon hears and is heard on this link"
		}
	}
	return ""
}

// ifaceOf is the interface that has an address; empty: none.
func (f *Facts) ifaceOf(a netip.Addr) string {
	for _, i := range f.Interfaces {
		if i.has(a) {
			return i.Name
		}
	}
	return ""
}

func blockedWitness(f *Facts) (list []Finding) {
	for _, w := range witnesses(f) {
		at := addressOf(w)
		out := pf.Packet{Out: true, IPv6: at.Addr().Is6(), Protocol: 17, To: at.Addr(), ToPort: at.Port(), States: []string{"new"}}
		in := pf.Packet{IPv6: out.IPv6, Protocol: 17, From: at.Addr(), FromPort: at.Port(), States: []string{"established"}}
		const why = "without the witness's vote a node does not take the addresses when it does not hear the other one"
		list = append(list, f.judged(passage{"questions to the witness " + w, out, "", why})...)
		list = append(list, f.judged(passage{"answers of the witness " + w, in, "", why})...)
	}
	return list
}

// addressOf is the address of host:port; of a host by its name only the port is known.
func addressOf(w string) netip.AddrPort {
	at, err := netip.ParseAddrPort(w)
	if err == nil {
		return at
	}
	port, _ := strconv.ParseUint(w[strings.LastIndexByte(w, ':')+1:], 10, 16)
	return netip.AddrPortFrom(netip.Addr{}, uint16(port))
}

// judged is what is to be said of one passage.
func (f *Facts) judged(p passage) []Finding {
	v := f.Filter.Judge(p.packet)
	if v.Judgement == pf.Passes || v.Judgement == pf.MayBeBlocked && p.works != "" {
		return nil
	}
	found := Finding{Severity: Fault, What: "the packet filter drops " + p.what, Why: p.why, Evidence: []string{ruleText(v)}}
	if v.Judgement == pf.MayBeBlocked {
		found.Severity = Warning
		found.What = "the packet filter may drop " + p.what
	}
	if v.Doubt != nil {
		found.Evidence = append(found.Evidence, "not certain: "+place(v.Doubt.Chain, v.Doubt)+" may accept it before: "+v.Doubt.Text)
	} else if v.Judgement == pf.MayBeBlocked {
		found.Evidence = append(found.Evidence, "not certain: not every packet may come to this rule, or doctor does not understand the whole of it")
	}
	if p.works != "" {
		found.Severity = Warning
		found.Evidence = append(found.Evidence, p.works)
	}
	found.Mend, found.Advice = allow(v.Chain, &p.packet)
	return []Finding{found}
}

func place(c *pf.Chain, r *pf.Rule) string {
	s := fmt.Sprintf("table %s %s, chain %s", c.Family, c.Table, c.Name)
	if c.Tool == pf.Legacy {
		s = "iptables-legacy, " + s
	}
	if r != nil && r.Handle != 0 {
		s += fmt.Sprintf(", handle %d", r.Handle)
	}
	return s
}

// ruleText names what drops the packet.
func ruleText(v pf.Finding) string {
	if v.Rule == nil {
		return place(v.Chain, nil) + ": no rule accepts it, and the policy is drop"
	}
	return place(v.Chain, v.Rule) + ": " + v.Rule.Text
}

// allow is the line that lets a packet pass, in the words of the tool that has the chain.
func allow(c *pf.Chain, p *pf.Packet) (lines []string, advice string) {
	switch c.Tool {
	case pf.Firewalld:
		return firewalld(p), "firewalld has this rule; for good and at once:"
	case pf.UFW:
		return ufw(p)
	case pf.IPTables, pf.Legacy:
		return []string{iptables(c, p)}, "the line lasts until the next boot; add it to what sets up the filter, too, such as /etc/iptables/rules.v4"
	}
	return []string{fmt.Sprintf("nft insert rule %s %s %s '%s accept'", c.Family, c.Table, c.Name, nftMatch(c, p))},
		"the line lasts until the filter is set up anew; add the rule to its file, too, such as /etc/nftables.conf, before what drops the packet"
}

func nftMatch(c *pf.Chain, p *pf.Packet) string {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	family := "ip"
	if p.IPv6 {
		family = "ip6"
	}
	switch {
	case p.Interface == "" || c.Device != "":
	case p.Out:
		add("oifname %q", p.Interface)
	default:
		add("iifname %q", p.Interface)
	}
	if p.From.IsValid() && !p.Out {
		add("%s saddr %s", family, p.From)
	}
	if p.To.IsValid() && p.Out {
		add("%s daddr %s", family, p.To)
	}
	switch {
	case p.Protocol != 17:
		add("meta l4proto %d", p.Protocol)
	case p.ToPort != 0:
		add("udp dport %d", p.ToPort)
	default:
		add("udp sport %d", p.FromPort)
	}
	return strings.Join(words, " ")
}

func iptables(c *pf.Chain, p *pf.Packet) string {
	words := []string{map[string]string{"ip": "iptables", "ip6": "ip6tables"}[c.Family]}
	if c.Tool == pf.Legacy {
		words[0] += "-legacy"
	}
	words = append(words, "-I", c.Name)
	side, address, option := "-i", p.From, "-s"
	if p.Out {
		side, address, option = "-o", p.To, "-d"
	}
	if p.Interface != "" {
		words = append(words, side, p.Interface)
	}
	if address.IsValid() {
		words = append(words, option, address.String())
	}
	words = append(words, "-p", fmt.Sprint(p.Protocol))
	switch {
	case p.Protocol != 17:
	case p.ToPort != 0:
		words = append(words, "--dport", fmt.Sprint(p.ToPort))
	default:
		words = append(words, "--sport", fmt.Sprint(p.FromPort))
	}
	return strings.Join(append(words, "-j", "ACCEPT"), " ")
}

func firewalld(p *pf.Packet) []string {
	zone := ""
	if p.Interface != "" {
		zone = "--zone=$(firewall-cmd --get-zone-of-interface=" + p.Interface + ") "
	}
	what := "--add-protocol=vrrp"
	switch {
	case p.Protocol == vrrp.ProtocolAH:
		what = "--add-protocol=ah"
	case p.Protocol == 17 && p.ToPort != 0:
		what = fmt.Sprintf("--add-port=%d/udp", p.ToPort)
	case p.Protocol == 17:
		what = fmt.Sprintf("--add-source-port=%d/udp", p.FromPort)
	}
	return []string{"firewall-cmd --permanent " + zone + what, "firewall-cmd --reload"}
}

// ufw knows UDP; another protocol goes into the file of rules that come before its own.
func ufw(p *pf.Packet) (lines []string, advice string) {
	if p.Protocol == 17 {
		side, way := "in on", "from"
		address, port := p.From, p.ToPort
		if p.Out {
			side, way, address = "out on", "to", p.To
		}
		who, where := "any", ""
		if address.IsValid() {
			who = address.String()
		}
		if p.Interface != "" {
			where = side + " " + p.Interface + " "
		}
		if way == "to" {
			return []string{fmt.Sprintf("ufw allow %sto %s port %d proto udp", where, who, port)}, ""
		}
		if port == 0 {
			return []string{fmt.Sprintf("ufw allow %sfrom %s port %d proto udp", where, who, p.FromPort)}, ""
		}
		return []string{fmt.Sprintf("ufw allow %sfrom %s to any port %d proto udp", where, who, port)}, ""
	}
	file, chain := "/etc/ufw/before.rules", "ufw-before-"
	if p.IPv6 {
		file, chain = "/etc/ufw/before6.rules", "ufw6-before-"
	}
	way := "input"
	if p.Out {
		way = "output"
	}
	return []string{fmt.Sprintf("sed -i '0,/^COMMIT/s//-A %s%s -p %d -j ACCEPT\\nCOMMIT/' %s", chain, way, p.Protocol, file), "ufw reload"},
		"ufw does not know VRRP by itself; the line goes into its file of first rules:"
}
