package supervisor

import "github.com/pairkeeper/pairkeeper/vrrp"

// Why a node does not take part. All but the first three make FAULT.
const (
	ReasonStarting     vrrp.Reason = "starting"      // nothing known of the proxy or the interface yet
	ReasonStopping     vrrp.Reason = "stopping"      // the daemon was told to stop
	ReasonReconfigured vrrp.Reason = "reconfigured"  // the router's configuration changed
	ReasonLinkMissing  vrrp.Reason = "link-missing"  // the interface does not exist
	ReasonLinkDown     vrrp.Reason = "link-down"     // the interface is down or has no carrier
	ReasonLinkUnusable vrrp.Reason = "link-unusable" // the interface cannot be listened on
	ReasonBarred       vrrp.Reason = "barred"        // another daemon of this host runs the virtual router
	ReasonNoAddress    vrrp.Reason = "no-address"    // the interface has no address to send from
	ReasonVIPFailed    vrrp.Reason = "vip-failed"    // the kernel refused the virtual address
	ReasonHookVetoed   vrrp.Reason = "hook-vetoed"   // the before_active hook said no
	ReasonTrack        vrrp.Reason = "track"         // a tracked interface is not as it must be
	ReasonProbe        vrrp.Reason = "probe"         // a probe that takes the node out failed
	ReasonIsolated     vrrp.Reason = "isolated"      // nobody is heard, and the gateway does not answer
	ReasonMaintenance  vrrp.Reason = "maintenance"   // an operator wants the node to take no part
	ReasonHeldOff      vrrp.Reason = "held-off"      // lost a conflict, and stays out for a while
	ReasonGroup        vrrp.Reason = "group-fault"   // another router of the group must not take part
	ReasonProxyDown    vrrp.Reason = "proxy-down"    // the ladder gave up
	ReasonProxyStopped vrrp.Reason = "proxy-stopped" // an operator stopped the proxy
	ReasonProxyMissing vrrp.Reason = "proxy-missing" // the unit does not exist or is masked
	ReasonProxyReturns vrrp.Reason = "proxy-returns" // good again, but not for long enough
	ReasonProxyUnknown vrrp.Reason = "proxy-unknown" // systemd does not answer
)

// isFault tells a reason that must be mended from one that passes by itself.
func isFault(r vrrp.Reason) bool {
	return r != "" && r != ReasonStarting && r != ReasonStopping && r != ReasonReconfigured
}

// Why a reassert hook runs.
const (
	ReasonPeriodic     vrrp.Reason = "periodic"      // its time has come
	ReasonConflictOver vrrp.Reason = "conflict-over" // nobody else is heard any more
	ReasonAddressBack  vrrp.Reason = "address-back"  // addresses that somebody removed were put back
)

// What became of fencing the other node.
const (
	ReasonFenceShot       vrrp.Reason = "fence-shot"        // it is being fenced
	ReasonFenceDone       vrrp.Reason = "fence-done"        // it is off
	ReasonFenceShotFailed vrrp.Reason = "fence-shot-failed" // nobody knows whether it is
	ReasonFenceConfirmed  vrrp.Reason = "fence-confirmed"   // it is, an operator says so
	ReasonFenceBroken     vrrp.Reason = "fence-broken"      // the agents could not be used now
	ReasonFenceWorks      vrrp.Reason = "fence-works"       // they could
)

// What became of a handover that an operator wanted.
const (
	ReasonHandover        vrrp.Reason = "handover"         // it is asked for, or agreed to
	ReasonHandoverRefused vrrp.Reason = "handover-refused" // the other node cannot take the addresses now
	ReasonHandoverFailed  vrrp.Reason = "handover-failed"  // it came to nothing
	ReasonHandoverOver    vrrp.Reason = "handover-over"    // its time is over: the priorities decide again
)

// What an operator wants of the node.
const (
	ReasonMaintenanceBegins vrrp.Reason = "maintenance-begins"
	ReasonMaintenanceEnds   vrrp.Reason = "maintenance-ends"
	ReasonFreezeBegins      vrrp.Reason = "freeze-begins"
	ReasonFreezeEnds        vrrp.Reason = "freeze-ends"
	ReasonForced            vrrp.Reason = "forced"      // an operator had the addresses taken
	ReasonTakeForced        vrrp.Reason = "take-forced" // and this is what was overridden
	ReasonEndured           vrrp.Reason = "endured"     // it would have left, but is frozen or forced
)

// What is noted of the other node's daemon.
const ReasonPeerRestarts vrrp.Reason = "peer-restarts" // another one goes on: its silence says nothing for a while

// What is noted of the third vote.
const (
	ReasonVoterMute vrrp.Reason = "voter-mute" // a witness or the disk does not answer
	ReasonVoterBack vrrp.Reason = "voter-back" // it does again
)

// What became of the real servers of a virtual server.
const (
	ReasonServerUp     vrrp.Reason = "server-up"     // its checks say that it is good
	ReasonServerDown   vrrp.Reason = "server-down"   // a check says that it has failed
	ReasonQuorumGained vrrp.Reason = "quorum-gained" // the good servers are enough
	ReasonQuorumLost   vrrp.Reason = "quorum-lost"   // the good servers are too few
)

// What the guard noted.
const (
	ReasonProxyFailed      vrrp.Reason = "proxy-failed"     // found dead or hung: the ladder begins
	ReasonProxyRestarting  vrrp.Reason = "proxy-restarting" // a rung of the ladder
	ReasonProxyRecovered   vrrp.Reason = "proxy-recovered"  // good again
	ReasonProxyTestFailed  vrrp.Reason = "proxy-test-failed"
	ReasonProxyRestart     vrrp.Reason = "proxy-restart-failed"
	ReasonStartLimit       vrrp.Reason = "start-limit"
	ReasonBudget           vrrp.Reason = "restart-budget" // too many restarts in the window
	ReasonSystemdLost      vrrp.Reason = "systemd-lost"   // no word from systemd; the probes decide
	ReasonPriority         vrrp.Reason = "priority"       // changed by what is tracked
	ReasonConfigDiffers    vrrp.Reason = "peer-config-differs"
	ReasonProxyDiffers     vrrp.Reason = "peer-proxy-differs"
	ReasonClockDiffers     vrrp.Reason = "peer-clock-differs"
	ReasonVersionDiffers   vrrp.Reason = "peer-version-differs"
	ReasonAgrees           vrrp.Reason = "peer-agrees-again"
	ReasonConflictLost     vrrp.Reason = "conflict-lost"         // both held, and this one gave way
	ReasonLastResort       vrrp.Reason = "last-resort"           // failed, stands by for when nobody else holds
	ReasonAddressFound     vrrp.Reason = "address-found"         // an address lay here that this node does not hold
	ReasonConfBad          vrrp.Reason = "proxy-config-bad"      // the test of what lies on the disk fails
	ReasonConfPending      vrrp.Reason = "proxy-config-pending"  // good, but somebody has to reload
	ReasonConfReloaded     vrrp.Reason = "proxy-config-reloaded" // good, and in force by our reload
	ReasonConfReloadFailed vrrp.Reason = "proxy-config-reload-failed"
	ReasonConfChanged      vrrp.Reason = "proxy-config-changed"   // neither tested nor reloaded
	ReasonConfLoaded       vrrp.Reason = "proxy-config-loaded"    // in force by somebody else's reload
	ReasonConfRestored     vrrp.Reason = "proxy-config-restored"  // what is in force lies on the disk again
	ReasonConfUnwatched    vrrp.Reason = "proxy-config-unwatched" // too many files, or too large
	ReasonProxyReloading   vrrp.Reason = "proxy-reloading"        // the first rung
	ReasonProxyReload      vrrp.Reason = "proxy-reload-failed"
	ReasonProxyHalted      vrrp.Reason = "proxy-halted" // given up and stopped by us
	ReasonProxyHalt        vrrp.Reason = "proxy-halt-failed"
)
