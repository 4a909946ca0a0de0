package notifynet

import (
	"github.com/pairkeeper/pairkeeper/supervisor"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// remedies are what an operator can do about the reason of a transition.
var remedies = map[vrrp.Reason]string{
	vrrp.ReasonPeerEnded:          "find out why it ended: `journalctl -u pairkeeper` on the other node",
	vrrp.ReasonPeerSilent:         "look at the other node, and at the network between the two",
	vrrp.ReasonUnclaimed:          "the other node should have come: look at it",
	vrrp.ReasonPaused:             "find out what kept the daemon from running: a frozen host, or one without any processor time",
	supervisor.ReasonLinkMissing:  "create the interface, or correct interface: in the configuration",
	supervisor.ReasonLinkDown:     "look at the cable and the switch, or at ip link",
	supervisor.ReasonLinkUnusable: "read the detail, and journalctl -u pairkeeper",
	supervisor.ReasonBarred:       "stop the other daemon, or give the router another vrid",
	supervisor.ReasonNoAddress:    "give the interface an address",
	supervisor.ReasonVIPFailed:    "read the kernel's words in the detail",
	supervisor.ReasonHookVetoed:   "read what the before_active hook said; it is asked again by itself",
	supervisor.ReasonTrack:        "look at the tracked interface",
	supervisor.ReasonProbe:        "mend what the probe looks at",
	supervisor.ReasonGroup:        "mend the router of the group that the detail names",
	supervisor.ReasonProxyDown:    "mend the proxy and start it: journalctl -u its unit",
	supervisor.ReasonProxyStopped: "start the proxy",
	supervisor.ReasonProxyMissing: "install or unmask the unit of the proxy",
	supervisor.ReasonProxyUnknown: "look at systemd and D-Bus: systemctl status",
}

// remedyOf is empty where nothing need be done.
func remedyOf(r vrrp.Reason) string {
	if text := remedies[r]; text != "" {
		return text
	}
	return r.Remedy()
}
