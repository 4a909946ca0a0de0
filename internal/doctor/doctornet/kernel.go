package doctornet

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// sysctls reads the switches that rules look at. A dot in the name of an interface is a
// slash in that of a switch, as sysctl(8) has it.
func (r *reader) sysctls() {
	r.Sysctls = map[string]string{}
	add := func(parts ...string) {
		text, err := os.ReadFile(filepath.Join(append([]string{"/proc/sys"}, parts...)...))
		if err != nil {
			return // such a kernel is without
		}
		for i := range parts {
			parts[i] = strings.ReplaceAll(parts[i], ".", "/")
		}
		r.Sysctls[strings.Join(parts, ".")] = strings.TrimSpace(string(text))
	}
	names := []string{"all"}
	for _, i := range r.Interfaces {
		names = append(names, i.Name)
	}
	for _, name := range names {
		for _, key := range []string{"rp_filter", "arp_ignore", "arp_announce"} {
			add("net", "ipv4", "conf", name, key)
		}
		for _, key := range []string{"disable_ipv6", "accept_dad"} {
			add("net", "ipv6", "conf", name, key)
		}
	}
	add("net", "ipv4", "ip_nonlocal_bind")
	add("net", "ipv6", "ip_nonlocal_bind")
}

// kernel reads what the kernel can do.
func (r *reader) kernel() {
	k := &r.Kernel
	if err := nftables(); err != nil {
		k.NFTables = err.Error()
	}
	k.Clock = strings.TrimSpace(read("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
	if strings.Contains(read("/proc/cpuinfo"), " hypervisor") {
		if k.Virtual = strings.TrimSpace(read("/sys/class/dmi/id/sys_vendor")); k.Virtual == "" {
			k.Virtual = "its hypervisor does not say which"
		}
	}
	if err := realtime(); err != nil && os.Geteuid() == 0 {
		k.RealtimeFor = err.Error()
	}
}

// nftables asks for the number of the ruleset; the kernel answers if it has nf_tables.
func nftables() error {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	req.AddData(&nl.Nfgenmsg{Version: 0})
	_, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if errors.Is(err, unix.EPERM) {
		return nil // it is there, and tells only root
	}
	return err
}

// realtime tries SCHED_RR on a thread that ends with it.
func realtime() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // without an unlock: nothing else runs on this thread
		err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
		if err == nil {
			_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr}, 0)
		}
		done <- err
	}()
	return <-done
}

// polkitFolders have its rules.
var polkitFolders = []string{"/etc/polkit-1/rules.d", "/run/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d", "/usr/share/polkit-1/rules.d"}

// managers reads who configures the interfaces of the routers, and whether polkit has a rule
// about the proxy's unit.
func (r *reader) managers() {
	for _, i := range r.Interfaces {
		r.networkd(i)
		r.networkManager(i)
	}
	unit := strings.TrimSuffix(r.Config.Proxy.Unit, ".service")
	for _, dir := range polkitFolders {
		files, _ := filepath.Glob(dir + "/*.rules")
		for _, file := range files {
			text := read(file)
			r.Polkit = r.Polkit || strings.Contains(text, "manage-units") && strings.Contains(text, unit)
		}
	}
}
