package hosts

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// symptom is a finding of pairkeeper doctor.
type symptom struct {
	Check, Severity, What, Why, Advice string
	Evidence, Mend                     []string
}

func (s symptom) String() string {
	return fmt.Sprintf("%s %s: %s\n  %s\n  mend: %s", s.Severity, s.Check, s.What, strings.Join(s.Evidence, "\n  "), strings.Join(s.Mend, "; "))
}

func symptoms(t *testing.T, h *hostlab.Host) []symptom {
	t.Helper()
	out, err := h.Try("sh", "-c", "pairkeeper doctor --json --listen 300ms 2>&1; true")
	var report struct{ Findings []symptom }
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil {
		t.Fatalf("doctor on %s: %v: %s", h.Name(), err, out)
	}
	return report.Findings
}

// diagnosed wants one finding of a check that says these words.
func diagnosed(t *testing.T, h *hostlab.Host, check, severity string, words ...string) symptom {
	t.Helper()
	found := symptoms(t, h)
	i := slices.IndexFunc(found, func(s symptom) bool {
		return s.Check == check && s.Severity == severity && (len(words) == 0 || strings.Contains(s.What, words[0]))
	})
	if i < 0 {
		t.Fatalf("no %s of %s about %q; there is %v", severity, check, words, found)
	}
	for _, w := range words {
		if !strings.Contains(found[i].String()+found[i].Why+found[i].Advice, w) {
			t.Errorf("it does not say %q: %v", w, found[i])
		}
	}
	return found[i]
}

// mended runs what a finding says, and wants that it is gone.
func mended(t *testing.T, h *hostlab.Host, s symptom) {
	t.Helper()
	for _, line := range s.Mend {
		h.Run(t, "sh", "-c", line)
	}
	end := time.Now().Add(soon) // a daemon that starts has to find its peer
	for {
		found := symptoms(t, h)
		i := slices.IndexFunc(found, func(one symptom) bool { return one.Check == s.Check && one.What == s.What })
		if i < 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still there after %q: %v", s.Mend, found[i])
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestDoctorNamesWhatIsWrongAndItsCommandsMend plants faults on a host with a real systemd,
// before pairkeeper runs and while it does.
func TestDoctorNamesWhatIsWrongAndItsCommandsMend(t *testing.T) {
	netlab.Need(t, "nginx", "keepalived", "nft")
	lab := hostlab.New(t, "lb01", "lb02")
	h, peer := lab.Host("lb01"), lab.Host("lb02")
	unit, err := os.ReadFile("../../systemd/pairkeeper.service")
	if err != nil {
		t.Fatal(err)
	}
	const unitFile = "/usr/lib/systemd/system/pairkeeper.service" // where a package has it
	// What nginx serves here names the host: as configurations they differ.
	config := strings.Replace(configFor(nginx, ""), "proxy:\n", "proxy:\n  watch: []\n", 1) + ("heartbeat: {key_file: " + keyFile + ", links: [{lb01: 10.78.0.1, lb02: 10.78.0.2}]}\n")
	for _, one := range lab.Hosts() {
		one.Install(t, binary, "/usr/bin/pairkeeper")
		one.Write(t, "/etc/pairkeeper/pairkeeper.yaml", config, 0o644)
		one.Write(t, keyFile, pairKey, 0o600)
	}

	missing := diagnosed(t, h, "unit", "warning", "systemd has no unit pairkeeper.service", "install the package")
	for _, one := range lab.Hosts() {
		one.Write(t, unitFile, string(unit), 0o644)
	}
	mended(t, h, missing)
	mended(t, peer, missing)
	h.Run(t, "systemctl", "disable", "pairkeeper")
	mended(t, h, diagnosed(t, h, "unit", "warning", "pairkeeper.service is not enabled"))
	h.Run(t, "systemctl", "stop", "pairkeeper")
	h.Run(t, "systemctl", "mask", "pairkeeper")
	mended(t, h, diagnosed(t, h, "unit", "fault", "pairkeeper.service is masked"))

	t.Log("keepalived")
	h.Run(t, "systemctl", "stop", "pairkeeper")
	h.Write(t, "/etc/keepalived/keepalived.conf", "vrrp_instance web {\n interface eth0\n virtual_router_id 60\n priority 50\n virtual_ipaddress {\n 10.77.0.60/24\n }\n}\n", 0o644)
	h.Run(t, "systemctl", "enable", "--now", "keepalived")
	mended(t, h, diagnosed(t, h, "keepalived", "warning", "keepalived runs on this node", "of keepalived.service"))
	h.Run(t, "systemctl", "enable", "keepalived")
	mended(t, h, diagnosed(t, h, "keepalived", "warning", "is enabled"))
	h.Write(t, unitFile, strings.Replace(string(unit), "Conflicts=keepalived.service\n", "", 1), 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	mended(t, h, diagnosed(t, h, "unit", "warning", "does not conflict with keepalived.service"))
	mended(t, h, diagnosed(t, h, "unit", "warning", "pairkeeper.service is not running"))

	t.Log("the proxy")
	h.Run(t, "systemctl", "disable", "nginx")
	mended(t, h, diagnosed(t, h, "proxy-unit", "warning", "nginx.service is not enabled"))
	good := h.Run(t, "cat", "/etc/nginx/nginx.conf")
	h.Write(t, "/etc/nginx/nginx.conf", good+"\nno_such_directive on;\n", 0o644)
	bad := diagnosed(t, h, "proxy-test", "fault", "fails its test", "no_such_directive")
	h.Write(t, "/etc/nginx/nginx.conf", good+"\n", 0o644)
	mended(t, h, bad)

	t.Log("permissions")
	h.Write(t, "/etc/systemd/system/pairkeeper.service.d/10-weak.conf", "[Service]\nCapabilityBoundingSet=~CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_NICE\n", 0o644)
	h.Run(t, "systemctl", "daemon-reload")
	mended(t, h, diagnosed(t, h, "permissions", "fault", "CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE"))
	h.Run(t, "rm", "/etc/systemd/system/pairkeeper.service.d/10-weak.conf")
	h.Run(t, "systemctl", "daemon-reload")
	h.Run(t, "systemctl", "restart", "pairkeeper")

	t.Log("the heartbeat")
	h.Write(t, "/tmp/rules", "table inet site {\n chain incoming { type filter hook input priority 0; policy accept\n udp sport 1-65535 ip saddr 10.78.0.2 counter drop\n }\n}\n", 0o644)
	h.Run(t, "nft", "-f", "/tmp/rules")
	silent := "heartbeats of lb02 reach this host, but not the daemon"
	waitFor(t, "the link is silent", func() bool {
		return slices.ContainsFunc(symptoms(t, h), func(s symptom) bool { return s.Check == "peer" && strings.Contains(s.What, silent) })
	})
	blocked := diagnosed(t, h, "heartbeat-blocked", "fault", "the packet filter drops the heartbeat from 10.78.0.2", "table inet site, chain incoming, handle")
	mended(t, h, blocked)
	waitFor(t, "the link works", func() bool {
		return !slices.ContainsFunc(symptoms(t, h), func(s symptom) bool { return s.Check == "peer" })
	})

	t.Log("the configurations")
	peer.Write(t, "/etc/pairkeeper/pairkeeper.yaml", strings.Replace(config, "preempt_delay: 2s", "preempt_delay: 3s", 1), 0o644)
	peer.Run(t, "pairkeeper", "reload")
	waitFor(t, "the difference is told", func() bool {
		return slices.ContainsFunc(symptoms(t, h), func(s symptom) bool { return s.Check == "peer" && strings.Contains(s.What, "differs") })
	})
	peer.Write(t, "/etc/pairkeeper/pairkeeper.yaml", config, 0o644)
	peer.Run(t, "pairkeeper", "reload")

	t.Log("a pair with nothing wrong")
	waitFor(t, "lb02 is BACKUP", func() bool {
		var s daemon.Status
		out, err := peer.Try("pairkeeper", "status", "--json")
		return err == nil && json.Unmarshal([]byte(out), &s) == nil && s.Routers[0].State == "BACKUP"
	})
	for _, one := range lab.Hosts() {
		for _, s := range symptoms(t, one) {
			if s.Severity != "notice" {
				t.Errorf("%s: %v", one.Name(), s)
			}
		}
	}

	t.Log("networkd")
	keptFromNetworkd(t, h)
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// keptFromNetworkd has networkd configure the interface of a host that holds the address: it
// takes that away, as a stranger's, until what doctor says has been done.
func keptFromNetworkd(t *testing.T, h *hostlab.Host) {
	t.Helper()
	taken := func() bool {
		out := h.Run(t, "sh", "-c", "ip monitor address dev eth0 >/tmp/monitor & sleep 0.3; networkctl reconfigure eth0; sleep 2; kill $!; cat /tmp/monitor")
		return regexp.MustCompile(`(?m)^Deleted .*\b` + regexp.QuoteMeta(vip) + "/").MatchString(out)
	}
	h.Write(t, "/etc/systemd/network/10-eth0.network", "[Match]\nName=eth0\n[Network]\nAddress=10.77.0.1/24\nGateway="+hostlab.Gateway+"\n", 0o644)
	h.Run(t, "systemctl", "start", "systemd-networkd")
	waitFor(t, "doctor sees networkd", func() bool {
		return slices.ContainsFunc(symptoms(t, h), func(s symptom) bool { return s.Check == "network-manager" })
	})
	if !taken() {
		t.Error("networkd leaves the address alone: there is nothing to be mended")
	}
	mended(t, h, diagnosed(t, h, "network-manager", "warning", "systemd-networkd configures eth0", "10-eth0.network"))
	if taken() {
		t.Error("it took the address away again")
	}
}
