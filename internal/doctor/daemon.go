package doctor

import (
	"fmt"
	"strings"
)

// daemonChecks are about what the running daemon says.
var daemonChecks = []check{
	{id: "daemon", looks: "the daemon answers, with this version and this file", needs: []Area{AreaDaemon}, judge: daemonFindings},
	{id: "peer", looks: "the other node is heard by heartbeat, and has the same configuration and clock", needs: []Area{AreaDaemon}, concerns: hearsHeartbeat, judge: peerFindings},
	{id: "peer-proxy", looks: "the other node's proxy answers", needs: []Area{AreaDaemon}, concerns: asksPeer, judge: peerProxy},
	{id: "gate", looks: "the kernel has nf_tables for the gate", needs: []Area{AreaKernel}, concerns: hasRouters, judge: gate},
}

func hearsHeartbeat(f *Facts) bool { return f.Daemon != nil && len(f.Config.Heartbeat.Links) > 0 }

// peerProbe is the daemon's name for its look at the other node's proxy.
const peerProbe = "arbitration peer"

func (d *Daemon) peerProbe() (Probe, bool) {
	if d == nil {
		return Probe{}, false
	}
	for _, p := range d.Probes {
		if p.Name == peerProbe {
			return p, true
		}
	}
	return Probe{}, false
}

func asksPeer(f *Facts) bool {
	_, asks := f.Daemon.peerProbe()
	return asks
}

func daemonFindings(f *Facts) (list []Finding) {
	d, name := f.Daemon, f.unitName()
	if d == nil {
		switch u := f.Units[name]; {
		case f.unread(AreaDaemon):
			return nil
		case u.Active != "active" && hasSystemd(f):
			return []Finding{{
				Severity: Notice, What: "pairkeeper does not run here", Why: "what only the daemon knows was not looked at: the heartbeat, the other node's version and configuration",
			}}
		case u.Active != "active":
			return []Finding{{
				Severity: Notice, What: "no daemon answers here", Why: "what only the daemon knows was not looked at: the heartbeat, the other node's version and configuration",
				Mend: []string{"pairkeeper run -c " + f.File},
			}}
		}
		return []Finding{{
			Severity: Fault, What: name + " runs, but no daemon answers on its control socket",
			Why:  "it hangs, or it was told to listen elsewhere (--socket)",
			Mend: []string{"systemctl restart " + name},
		}}
	}
	if d.Version != f.Version {
		list = append(list, Finding{
			Severity: Warning, What: fmt.Sprintf("the daemon is of version %s, this program of %s", d.Version, f.Version),
			Evidence: []string{fmt.Sprintf("process %d on %s", d.PID, d.Socket)}, Why: "what was installed is not in force until the daemon is restarted",
			Advice: "on a node with the defaults this moves no address:", Mend: []string{"systemctl restart " + name},
		})
	}
	if d.Problem != "" {
		list = append(list, Finding{
			Severity: Warning, What: "the last reload failed: an older configuration is in force", Evidence: strings.Split(d.Problem, "\n"),
			Why: "the file does not say what this node does, and the next start fails", Mend: []string{"pairkeeper check " + f.File, "pairkeeper reload"},
		})
	}
	if d.Pending {
		list = append(list, Finding{
			Severity: Warning, What: "the configuration file changed and is not in force", Evidence: []string{d.File},
			Why: "reload: manual leaves it to you", Mend: []string{"pairkeeper check " + f.File, "pairkeeper reload"},
		})
	}
	if d.File != "" && d.File != f.File {
		list = append(list, Finding{
			Severity: Warning, What: fmt.Sprintf("the daemon reads %s, and doctor looked at %s", d.File, f.File),
			Why: "what is said here may be about another configuration", Mend: []string{"pairkeeper doctor -c " + d.File},
		})
	}
	return list
}

func peerFindings(f *Facts) (list []Finding) {
	heard := false
	for _, l := range f.Daemon.Links {
		heard = heard || l.State != "silent"
	}
	for _, l := range f.Daemon.Links {
		if l.State == "both-ways" {
			continue
		}
		list = append(list, f.badLink(l, heard))
	}
	if len(f.Daemon.Different) > 0 {
		list = append(list, Finding{
			Severity: Warning, What: fmt.Sprintf("%s differs from this node in what both should have in common", f.Config.Peer), Evidence: f.Daemon.Different,
			Why: "after a takeover the pair behaves in another way than before", Advice: "compare on both nodes:", Mend: []string{"pairkeeper check --print " + f.File, "pairkeeper version", "timedatectl"},
		})
	}
	return list
}

// badLink is a link of the heartbeat on which nothing is heard, or this node is not.
func (f *Facts) badLink(l Link, another bool) Finding {
	found := Finding{
		Severity: Fault, Why: "with no heartbeat left, a node that hears no adverts cannot tell a dead peer from a cut cable",
		What:     fmt.Sprintf("no heartbeat is heard from %s on the link %s - %s", f.Config.Peer, l.Local, l.Peer),
		Evidence: append([]string{fmt.Sprintf("%s: %d sent, %d received", l.State, l.Sent, l.Received)}, l.Refused...),
		Mend:     []string{"ping -c 3 -I " + l.Local + " " + l.Peer, "pairkeeper doctor"},
		Advice:   "look whether the other host is up and pairkeeper runs there, then at the path; run doctor there, too:",
	}
	if l.Problem != "" {
		found.Evidence = append(found.Evidence, l.Problem)
	}
	for _, b := range f.Beats {
		if b.Peer.Addr().String() != l.Peer || b.Count == 0 {
			continue
		}
		found.What = fmt.Sprintf("heartbeats of %s reach this host, but not the daemon (link %s - %s)", f.Config.Peer, l.Local, l.Peer)
		found.Evidence = append(found.Evidence, fmt.Sprintf("%d datagrams from %s to %s were seen on the wire", b.Count, b.Peer, b.Local))
		found.Advice = "a packet filter of this host drops them, or their key differs (see above); compare the key file on both nodes:"
		found.Mend = []string{"nft list ruleset", "pairkeeper status"}
	}
	if l.State == "one-way" {
		found.What = fmt.Sprintf("%s is heard on the link %s - %s, but does not hear this node", f.Config.Peer, l.Local, l.Peer)
		found.Advice = "the packet filter of the other host drops this node's heartbeats, or something between; run doctor there:"
		found.Mend = []string{"pairkeeper doctor"}
	}
	if another {
		found.Severity = Warning
		found.Why = "another link still works; when that fails too, nothing is left to tell a dead peer by"
	}
	return found
}

func peerProxy(f *Facts) []Finding {
	p, _ := f.Daemon.peerProbe()
	if p.State != "failed" && p.State != "bad" {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: fmt.Sprintf("the proxy of %s does not answer at its own address", f.Config.Peer), Evidence: []string{p.Detail},
		Why: "if this node fails now, nobody serves", Advice: "look at it there:", Mend: []string{"pairkeeper status"},
	}}
}

// gate judges whether the kernel can hold the addresses back by itself.
func gate(f *Facts) []Finding {
	evidence := ""
	if f.Daemon != nil {
		for _, r := range f.Daemon.Routers {
			if strings.HasPrefix(r.Gate, "unsupported") {
				evidence = "router " + r.Name + ": gate " + r.Gate
			}
		}
	} else if f.Kernel.NFTables != "" {
		evidence = "nf_tables: " + f.Kernel.NFTables
	}
	if evidence == "" {
		return nil
	}
	return []Finding{{
		Severity: Warning, What: "the kernel has no nf_tables: there is no gate", Evidence: []string{evidence},
		Why:  "a hung daemon keeps the addresses for the seconds of their lifetime, in place of some hundred milliseconds; two may answer meanwhile",
		Mend: []string{"modprobe nf_tables", dropIn("/etc/modules-load.d", "pairkeeper.conf", "nf_tables\\n"), "systemctl restart " + f.unitName()},
	}}
}
