package hosts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/internal/hostlab"
	"github.com/pairkeeper/pairkeeper/internal/mishap"
	"github.com/pairkeeper/pairkeeper/internal/netlab"
	"github.com/pairkeeper/pairkeeper/supervisor/daemon"
)

// fencedByIPMI is a pair that fences with the agent that ClusterLabs has for IPMI; the baseboard
// controllers of both are on the third host.
const fencedByIPMI = `fence:
  timeout: 15s
  retries: 0
  agents:
    lb01: {agent: /usr/sbin/fence_ipmilan, options: {ip: 10.77.0.3, ipport: 9001, username: ops, lanplus: 1, cipher: 3, power_wait: 0}, password_file: /etc/pairkeeper/bmc.pw}
    lb02: {agent: /usr/sbin/fence_ipmilan, options: {ip: 10.77.0.3, ipport: 9002, username: ops, lanplus: 1, cipher: 3, power_wait: 0}, password_file: /etc/pairkeeper/bmc.pw}
`

// What a simulated baseboard controller is told: who may ask it, and what controls the power. An
// order to switch it off stands in /run/NAME.order, and somebody has to follow it; /run/NAME.power
// is how it is.
const (
	bmcConf = `name "NAME"
set_working_mc 0x20
startlan 1
  addr 0.0.0.0 PORT
  priv_limit admin
  allowed_auths_admin md5
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "/usr/local/sbin/bmc-NAME"
user 2 true "ops" "secret" admin 10 md5
`
	bmcCommands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
`
	bmcPower = `#!/bin/sh
case $1 in
get) echo "power:$(cat /run/NAME.power)" ;;
set) case $3 in
	0) echo off >/run/NAME.order ;;
	*) echo "$3" >/run/NAME.power ;;
	esac ;;
esac
`
)

// startBMC starts the baseboard controller of a node on a host.
func startBMC(t *testing.T, at *hostlab.Host, node, port string) {
	t.Helper()
	words := strings.NewReplacer("NAME", node, "PORT", port)
	at.Write(t, "/etc/bmc/"+node+".conf", words.Replace(bmcConf), 0o600)
	at.Write(t, "/etc/bmc/commands", bmcCommands, 0o600)
	at.Write(t, "/usr/local/sbin/bmc-"+node, words.Replace(bmcPower), 0o755)
	at.Run(t, "sh", "-c", fmt.Sprintf("mkdir -p /var/lib/bmc; echo 1 >/run/%[1]s.power; rm -f /run/%[1]s.order", node))
	at.Run(t, "systemd-run", "-q", "--unit=bmc-"+node, "ipmi_sim", "-n", "-c", "/etc/bmc/"+node+".conf", "-f", "/etc/bmc/commands", "-s", "/var/lib/bmc")
}

// The agent of fence-agents-ipmilan, run by the service as it is installed, talks to baseboard
// controllers; what they are ordered is done by the lab.
func TestAFenceAgentSwitchesTheHostOffByIPMI(t *testing.T) {
	netlab.Need(t, "nginx", "haproxy", "fence_ipmilan", "ipmitool", "ipmi_sim")
	lab := hostlab.New(t, "lb01", "lb02", "third")
	third := lab.Host("third")
	startBMC(t, third, "lb01", "9001")
	startBMC(t, third, "lb02", "9002")
	for _, name := range []string{"lb01", "lb02"} {
		lab.Host(name).Write(t, "/etc/pairkeeper/bmc.pw", "secret\n", 0o600)
	}
	p := newReferredPairIn(t, lab, fencedByIPMI)

	t.Log("it is tried")
	if out := p.b.Run(t, "pairkeeper", "fence", "--test"); !strings.Contains(out, "fence_ipmilan: works (monitor)") {
		t.Errorf("fence --test: %s", out)
	}
	p.await(p.b, "the service can use the agent", func(s daemon.Status) bool { return s.Fence != nil && !s.Fence.Tried.IsZero() && s.Fence.Broken == "" })

	t.Log("the power does not go off: nothing is taken")
	parted(mishap.Stage{T: t, Lab: lab, A: p.a, B: p.b, Unit: "pairkeeper.service"})
	p.ordered(third, "lb01")
	if got := lab.Holders(t, vip); len(got) != 1 || got[0] != "lb01" {
		t.Errorf("held by %v before the power is off, want lb01 alone", got)
	}
	p.a.Crash(t)
	time.Sleep(time.Second)
	if got := lab.Holders(t, vip); len(got) > 0 {
		t.Errorf("held by %v before the controller says that the power is off, want nobody", got)
	}
	t.Log("it is off")
	third.Run(t, "sh", "-c", "echo 0 >/run/lb01.power")
	p.client.WaitFor(t, "lb02", soon)
	p.report()
	p.neverTwo()
	p.wantOrder(p.b, "(fence-shot)", "(fence-done)", "BACKUP -> ACTIVE")
	if _, err := third.Try("test", "-e", "/run/lb02.order"); err == nil {
		t.Error("lb01, which held, has had lb02 switched off")
	}
	p.returns()
}

// ordered waits until a baseboard controller is told to cut a node's power.
func (p *pair) ordered(at *hostlab.Host, node string) {
	p.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(20 * time.Millisecond) {
		if _, err := at.Try("test", "-e", "/run/"+node+".order"); err == nil {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("nobody has had %s switched off:\n%s", node, p.journal(p.b))
		}
	}
}
