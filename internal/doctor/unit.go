package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Keepalived's and the daemon's own units.
const (
	keepalivedUnit = "keepalived.service"
	ownUnit        = "pairkeeper.service"
)

// unitChecks are about what systemd starts, and what else runs.
var unitChecks = []check{
	{id: "keepalived", looks: "no keepalived runs or is enabled here", needs: []Area{AreaProcesses}, concerns: hasRouters, judge: keepalived},
	{id: "another-pairkeeper", looks: "no other pairkeeper runs here", needs: []Area{AreaProcesses}, judge: otherPairkeepers},
	{id: "unit", looks: "the unit of pairkeeper is there, enabled and running", needs: []Area{AreaSystemd}, concerns: hasSystemd, judge: ownUnits},
	{id: "permissions", looks: "the daemon has the capabilities that it needs, and SCHED_RR", needs: []Area{AreaSystemd, AreaDaemon}, judge: permissions},
}

func hasSystemd(f *Facts) bool { return f.Units != nil }

func (f *Facts) processes(name string) (list []Process) {
	for _, p := range f.Processes {
		if p.Name == name {
			list = append(list, p)
		}
	}
	return list
}

func keepalived(f *Facts) []Finding {
	const why = "it would hold and give away the addresses by rules of its own, beside those of pairkeeper"
	unit := f.Units[keepalivedUnit]
	running := f.processes("keepalived")
	switch enabled := unit.File == "enabled"; {
	case len(running) > 0:
		found := Finding{
			Severity: Fault, What: "keepalived runs on this node", Evidence: evidenceOf(running), Why: why,
			Mend: []string{"systemctl disable --now " + keepalivedUnit}, Advice: "pairkeeper import reads its configuration. When pairkeeper is to take over:",
		}
		if f.Daemon == nil {
			found.Severity = Warning
			found.Why = "as soon as pairkeeper runs, " + why
		}
		if running[0].Unit == "" {
			found.Mend = []string{fmt.Sprintf("kill %d", running[0].PID)}
		}
		return []Finding{found}
	case enabled:
		return []Finding{{
			Severity: Warning, What: "keepalived is not running, but is enabled: the next boot starts it",
			Evidence: []string{keepalivedUnit + " is enabled, " + unit.Path}, Why: why, Mend: []string{"systemctl disable " + keepalivedUnit},
		}}
	}
	return nil
}

func evidenceOf(list []Process) (words []string) {
	for _, p := range list {
		s := fmt.Sprintf("process %d: %s", p.PID, strings.Join(p.Args, " "))
		if p.Unit != "" {
			s += ", of " + p.Unit
		}
		words = append(words, s)
	}
	return words
}

func otherPairkeepers(f *Facts) []Finding {
	var others []Process
	daemons := f.processes("pairkeeper")
	for _, p := range daemons {
		if f.Daemon != nil && p.PID == f.Daemon.PID || p.Unit == f.unitName() || instance(p.Unit) && instance(f.unitName()) {
			continue
		}
		others = append(others, p)
	}
	if len(others) == 0 || len(daemons) < 2 {
		return nil
	}
	found := Finding{
		Severity: Fault, What: "another pairkeeper runs in the network of this node", Evidence: evidenceOf(others),
		Why: "two daemons that have the same routers take each other's addresses away",
	}
	for _, p := range others {
		if p.Unit != "" {
			found.Mend = append(found.Mend, "systemctl disable --now "+p.Unit)
		} else {
			found.Mend = append(found.Mend, fmt.Sprintf("kill %d", p.PID))
		}
	}
	return []Finding{found}
}

// instance tells one of the units of which a host may have several, each with its own file.
func instance(unit string) bool { return strings.HasPrefix(unit, "pairkeeper@") }

// OwnUnits are those that may be the daemon's.
var OwnUnits = []string{ownUnit, "pairkeeper@nginx.service", "pairkeeper@haproxy.service"}

// unitName is the unit of the daemon that answers, else the one that is enabled, else the
// one that is shipped for all.
func (f *Facts) unitName() string {
	if f.Daemon != nil && strings.HasSuffix(f.Daemon.Unit, ".service") {
		return f.Daemon.Unit
	}
	for _, name := range OwnUnits {
		if u := f.Units[name]; u.File == "enabled" || u.Active == "active" {
			return name
		}
	}
	return ownUnit
}

func ownUnits(f *Facts) []Finding {
	name := f.unitName()
	u := f.Units[name]
	evidence := []string{fmt.Sprintf("%s: %s, %s, %s", name, orNone(u.Load), orNone(u.Active), orNone(u.File))}
	one := func(s Severity, what, why, advice string, mend ...string) []Finding {
		return []Finding{{Severity: s, What: what, Evidence: evidence, Why: why, Advice: advice, Mend: mend}}
	}
	const after = "after the next boot nothing here takes part in the pair"
	switch {
	case !u.Exists():
		return one(Warning, "systemd has no unit "+name, after, "install the package, or copy systemd/pairkeeper.service of the sources to /etc/systemd/system. Then:",
			"systemctl daemon-reload", "systemctl enable --now "+name)
	case u.Load == "masked":
		return one(Fault, name+" is masked: nothing can start it", after, "", "systemctl unmask "+name, "systemctl enable --now "+name)
	case u.Load != "loaded":
		return one(Fault, fmt.Sprintf("systemd cannot load %s: %s", name, u.Load), after, "systemd says why with:", "systemctl status --no-pager "+name)
	}
	var list []Finding
	if u.Active == "failed" {
		evidence = append(evidence, "result: "+u.Result)
		list = append(list, one(Fault, name+" has failed", "this node takes no part in the pair", "its journal says why; then start it:",
			"journalctl -u "+name+" -n 20 --no-pager", "systemctl restart "+name)...)
	} else if u.Active != "active" && u.Active != "reloading" && u.Active != "activating" {
		list = append(list, one(Warning, name+" is not running", "this node takes no part in the pair", "", "systemctl start "+name)...)
	}
	if u.File == "disabled" {
		list = append(list, one(Warning, name+" is not enabled", after, "", "systemctl enable "+name)...)
	}
	if k := f.Units[keepalivedUnit]; k.Exists() && !slices.Contains(u.Conflicts, keepalivedUnit) {
		list = append(list, one(Warning, name+" does not conflict with "+keepalivedUnit+", which is installed", "both can be started: two VRRP speakers on one node", "",
			dropIn("/etc/systemd/system/"+name+".d", "keepalived.conf", "[Unit]\\nConflicts="+keepalivedUnit+"\\n"), "systemctl daemon-reload")...)
	}
	if u.Stale {
		list = append(list, one(Notice, "the file of "+name+" changed, and systemd has not read it again", "what it says is not in force", "", "systemctl daemon-reload")...)
	}
	return list
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// dropIn is the command that writes a file of a few lines.
func dropIn(dir, name, text string) string {
	return fmt.Sprintf("mkdir -p %s && printf '%s' > %s/%s", dir, text, dir, name)
}

// needed are the capabilities without which the daemon does not work, by capabilities(7).
var needed = []struct {
	bit  uint
	name string
}{{12, "CAP_NET_ADMIN"}, {13, "CAP_NET_RAW"}, {23, "CAP_SYS_NICE"}}

func lacking(set uint64) (list []string) {
	for _, c := range needed {
		if set&(1<<c.bit) == 0 {
			list = append(list, c.name)
		}
	}
	return list
}

func permissions(f *Facts) (list []Finding) {
	name := f.unitName()
	u := f.Units[name]
	if missing := lacking(u.Capabilities); u.Load == "loaded" && len(missing) > 0 {
		list = append(list, capabilities(name, "the unit does not let the daemon have "+strings.Join(missing, ", "), missing))
	} else if p := f.Privileges; p != nil && len(lacking(p.Capabilities)) > 0 {
		missing := lacking(p.Capabilities)
		list = append(list, capabilities(name, "the daemon runs without "+strings.Join(missing, ", "), missing))
	}
	if p := f.Privileges; p != nil && !p.Realtime {
		list = append(list, Finding{
			Severity: Warning, What: "the daemon does not run under SCHED_RR", Why: "on a busy host adverts are late by tens of milliseconds, and the gate may shut for want of a renewal",
			Advice: "the unit has to leave RestrictRealtime= off and allow CAP_SYS_NICE; a kernel with CONFIG_RT_GROUP_SCHED refuses it to cgroups without cpu.rt_runtime_us. Then:",
			Mend:   []string{"systemctl restart " + name},
		})
	} else if p == nil && f.Kernel.RealtimeFor != "" {
		list = append(list, Finding{
			Severity: Warning, What: "the kernel refuses SCHED_RR", Evidence: []string{"sched_setscheduler: " + f.Kernel.RealtimeFor},
			Why:    "on a busy host adverts are late by tens of milliseconds, and the gate may shut for want of a renewal",
			Advice: "in a container, give it CAP_SYS_NICE (docker run --cap-add SYS_NICE)",
		})
	}
	if u.User != "" && u.User != "root" && u.User != "0" && f.Config.Proxy.Unit != "" && !f.Polkit {
		list = append(list, polkit(f, name, u.User))
	}
	return list
}

func capabilities(name, what string, missing []string) Finding {
	words := strings.Join(missing, " ")
	return Finding{
		Severity: Fault, What: what, Why: "it can neither send VRRP and ARP nor change addresses (NET_RAW, NET_ADMIN), nor be punctual (SYS_NICE)",
		Mend: []string{
			dropIn("/etc/systemd/system/"+name+".d", "capabilities.conf", "[Service]\\nCapabilityBoundingSet="+words+"\\nAmbientCapabilities="+words+"\\n"),
			"systemctl daemon-reload", "systemctl restart " + name,
		},
	}
}

func polkit(f *Facts, name, user string) Finding {
	rule := fmt.Sprintf(`polkit.addRule(function(action, subject) { if (action.id == "org.freedesktop.systemd1.manage-units" && action.lookup("unit") == "%s" && subject.user == "%s") return polkit.Result.YES; });\n`, f.Config.Proxy.Unit, user)
	return Finding{
		Severity: Fault, What: fmt.Sprintf("%s runs as %s, and no rule of polkit lets it restart %s", name, user, f.Config.Proxy.Unit),
		Why:  "a broken proxy cannot be restarted; the node would give it up at once",
		Mend: []string{dropIn("/etc/polkit-1/rules.d", "60-pairkeeper.rules", rule)},
	}
}
