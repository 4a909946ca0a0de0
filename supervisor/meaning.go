package supervisor

import (
	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

// meaning is what a reason is about, for people at night.
type meaning struct {
	is   string // a clause or two without a full stop
	ends string // of one that keeps a router out: what ends it; empty: it keeps nobody out
	do   string // what an operator can do; empty: nothing needs to be done, or vrrp.Reason.Remedy says it
}

// meanings has every reason of this package and of vrrp: TestEveryReasonHasAMeaning.
var meanings = map[vrrp.Reason]meaning{
	ReasonVoterMute: {
		is: "a witness or the disk does not answer when it is asked for the third vote",
		do: "see whether it runs and is reached: `pairkeeper status` says why not",
	},
	ReasonVoterBack: {is: "a witness or the disk answers again"},

	// Why a router does not take part.
	ReasonStarting: {
		is:   "not everything that counts is known yet",
		ends: "what it waits for is known; it then listens before it takes anything",
		do:   "if this lasts for more than some seconds, look at the proxy and the interface it waits for",
	},
	ReasonPeerRestarts: {is: "the other node's daemon restarts: its addresses stay there for a bounded time"},
	ReasonStopping:     {is: "this daemon is stopping", ends: "it is started again", do: "systemctl start pairkeeper"},
	ReasonReconfigured: {is: "the router's configuration changed, so it starts anew"},
	ReasonLinkMissing: {
		is: "the interface is not there", ends: "the interface appears",
		do: "look at `ip link`; correct interface: in the file, or bring the interface up",
	},
	ReasonLinkDown: {
		is: "nobody can be reached over the interface", ends: "the interface is up and has a carrier",
		do: "look at the cable, the switch port and `ip link`; if somebody switched the interface off, `ip link set DEV up`",
	},
	ReasonLinkUnusable: {
		is: "the daemon cannot listen on the interface", ends: "it can: it is tried again every few seconds",
		do: "what the system says is above; often a capability is missing, or the interface is not one for IP",
	},
	ReasonBarred: {
		is: "another daemon on this host runs this virtual router, and the addresses are that one's", ends: "that one stops",
		do: "run one of them only, or give them different vrids",
	},
	ReasonNoAddress: {
		is: "adverts need an address of this host to come from", ends: "the interface has such an address",
		do: "give the interface an address of its own (`ip address`); the virtual one does not count",
	},
	ReasonVIPFailed: {
		is: "the kernel refused the virtual address, and a holder without it would be of no use", ends: "the kernel takes it: it is tried again",
		do: "what the kernel says is above; look at `ip address` and at sysctl net.ipv6.conf",
	},
	ReasonTrack: {
		is: "an interface that this router needs is not as it must be", ends: "the interface is as it must be",
		do: "look at `ip link` and `ip address` for it; if the router can do without, write penalty: in track:",
	},
	ReasonProbe: {
		is: "a probe with on_fail: leave says that this node must not serve", ends: "the probe is good again, for as many looks as its rise: says",
		do: "`pairkeeper status` shows what the probe saw last; mend that",
	},
	ReasonIsolated: {
		is: "this node has been cut off", ends: "the gateway or the other node answers",
		do: "look at this node's cable, switch port and `ip route`; a node that should hold on all the same needs isolated: keep",
	},
	ReasonMaintenance: {
		is: "an operator has put this node into maintenance, so that it takes no part even if the other node dies", ends: "its time is over (--for), or somebody runs `pairkeeper maintenance off` here",
		do: "`pairkeeper maintenance off`, when the work is done",
	},
	ReasonHeldOff: {
		is: "both nodes held the addresses, and this one had to give them up", ends: "its hold-off is over (hold_off), or somebody clears it",
		do: "find out what kept the nodes from hearing each other, then `pairkeeper clear`",
	},
	ReasonGroup: {
		is: "the routers of a group move together, and another one of them is out", ends: "that one is in again",
		do: "mend what keeps the other one out: `pairkeeper explain` says it there",
	},
	ReasonProxyDown: {
		is: "the proxy does not work, and restarting it did not help", ends: "the proxy is good again, whoever mends it",
		do: "`systemctl status` and `journalctl -u` of the proxy, and its test (`nginx -t`, `haproxy -c -f …`); then start it",
	},
	ReasonProxyStopped: {
		is: "somebody stopped the proxy on purpose, and that is not undone", ends: "somebody starts the proxy",
		do: "`systemctl start` of the proxy's unit, when it should serve again",
	},
	ReasonProxyMissing: {
		is: "there is no such unit, or it is masked", ends: "the unit is there and is started",
		do: "correct unit: in the file, install the proxy, or `systemctl unmask` its unit",
	},
	ReasonProxyReturns: {
		is: "the proxy is not relied on yet", ends: "it has been good for as many looks as rise: of proxy: says",
	},
	ReasonHookVetoed: {
		is: "the hook before_active says that this node must not take the addresses", ends: "it is asked again, and agrees",
		do: "what the hook said is above; run it by hand, or look at `journalctl -u pairkeeper`",
	},
	ReasonProxyUnknown: {
		is: "systemd does not answer, so that nothing is known of the proxy", ends: "systemd answers and the proxy is good",
		do: "look at `systemctl status dbus` and `systemctl status`",
	},

	// What the guard and the node noted.
	ReasonProxyFailed:     {is: "the proxy was found dead, or its probe failed: restarting it begins"},
	ReasonProxyRestarting: {is: "the proxy is restarted"},
	ReasonProxyRecovered:  {is: "the proxy is good again"},
	ReasonProxyTestFailed: {is: "the proxy's own test of its configuration failed, so it is not restarted", do: "mend its configuration"},
	ReasonProxyRestart:    {is: "a restart of the proxy failed", do: "`systemctl status` and `journalctl -u` of its unit"},
	ReasonProxyReloading:  {is: "the proxy is reloaded, since it answers, though not as it should"},
	ReasonProxyReload:     {is: "a reload of the proxy failed", do: "`systemctl status` and `journalctl -u` of its unit"},
	ReasonProxyHalted:     {is: "the proxy was given up and stopped, as give_up: stop wants it", do: "mend the proxy; it is started again by and by"},
	ReasonProxyHalt:       {is: "the proxy was given up, but could not be stopped", do: "`systemctl status` of its unit"},
	ReasonStartLimit:      {is: "systemd refused one more start, and was told to forget the earlier ones"},
	ReasonBudget:          {is: "the proxy was restarted so often that it is left alone for now", do: "find out why it fails: `journalctl -u` of its unit"},
	ReasonSystemdLost:     {is: "systemd does not answer any more; the probes decide", do: "look at `systemctl status dbus`"},
	ReasonPriority:        {is: "something that changes the priority came or went"},
	ReasonConfigDiffers:   {is: "the two nodes run pairkeeper with different configurations, and decide by different rules", do: "compare `pairkeeper check --print` of both nodes, and copy the right file to the other one"},
	ReasonProxyDiffers:    {is: "the proxies of the two nodes have different configurations, so that a move would change what clients get", do: "compare the proxy's files of both nodes"},
	ReasonClockDiffers:    {is: "the clocks of the two nodes differ, so that their journals do not fit together", do: "`timedatectl` on both nodes"},
	ReasonVersionDiffers:  {is: "the two nodes run different versions of pairkeeper", do: "upgrade the other node, too"},
	ReasonAgrees:          {is: "what differed between the two nodes is the same again"},
	ReasonConflictLost:    {is: "both nodes held the addresses, and this one has given them up", do: "find out what kept the nodes from hearing each other: a cable, a switch, a firewall"},
	ReasonLastResort:      {is: "the node has failed, and holds the addresses only while no better one is heard", do: "mend what failed"},
	ReasonAddressFound:    {is: "a virtual address lay here though this node does not hold it; it was removed", do: "find out who put it there: another daemon, a network configuration"},

	// What an operator wants of the node.
	ReasonMaintenanceBegins: {is: "an operator has put this node into maintenance: it takes no part, even if the other node dies"},
	ReasonMaintenanceEnds:   {is: "the maintenance of this node is over"},
	ReasonFreezeBegins:      {is: "an operator has frozen the pair: nothing moves that need not be moved"},
	ReasonFreezeEnds:        {is: "the pair is not frozen by this node any more"},
	ReasonForced:            {is: "an operator had this node take the addresses by force"},
	ReasonTakeForced:        {is: "an operator has the addresses taken, whatever speaks against it", do: "when the reason for it is gone, `pairkeeper handover` gives them back"},
	ReasonEndured:           {is: "the router would have given the addresses up, but an operator wants it to go on", do: "mend what is named, then `pairkeeper freeze off`, or hand the addresses over"},

	// What became of a handover.
	ReasonHandover:        {is: "an operator wants the addresses moved to the other node of the pair"},
	ReasonHandoverRefused: {is: "a handover was refused: the node that was to hold the addresses could not take them", do: "mend what the refusal names, then `pairkeeper handover` again"},
	ReasonHandoverFailed:  {is: "a handover was asked for and came to nothing", do: "what went wrong is above; `pairkeeper status` on both nodes shows who holds the addresses"},
	ReasonHandoverOver:    {is: "the time of a handover is over, and the priorities decide again"},

	// What became of fencing the other node.
	ReasonFenceShot:       {is: "the other node is silent and is being fenced: it is switched off or booted anew"},
	ReasonFenceDone:       {is: "the other node was fenced", do: "find out why it was silent before it takes part again"},
	ReasonFenceShotFailed: {is: "the other node could not be fenced: nobody knows whether it is off", do: "switch the other node off by hand, then `pairkeeper fence --acknowledge` with its name; mend the fence and try it with `pairkeeper fence --test`"},
	ReasonFenceConfirmed:  {is: "an operator has made sure that the other node is off"},
	ReasonFenceBroken:     {is: "the other node could not be fenced if that were needed now", do: "what the agent says is above; try it with `pairkeeper fence --test`"},
	ReasonFenceWorks:      {is: "the other node can be fenced"},

	// What became of the real servers.
	ReasonServerUp:     {is: "the checks of a real server are good, so that it gets connections again"},
	ReasonServerDown:   {is: "a check of a real server has failed, so that it gets no new connections", do: "look at the server, and at `pairkeeper status --ipvs`, which shows what the check saw"},
	ReasonQuorumGained: {is: "the good real servers of a virtual server are enough again"},
	ReasonQuorumLost:   {is: "the good real servers of a virtual server are too few", do: "mend the servers that `pairkeeper status --ipvs` shows as down"},

	// What became of the proxy's configuration on the disk.
	ReasonConfBad:          {is: "the proxy's configuration was changed and does not pass its test; the proxy runs on with the one before", do: "mend it now: with the next crash or restart the proxy would stay down"},
	ReasonConfPending:      {is: "the proxy's configuration was changed and is good, but the proxy has not read it", do: "`systemctl reload` the proxy's unit, or write reload: auto"},
	ReasonConfReloaded:     {is: "the proxy's configuration was changed, is good, and is in force"},
	ReasonConfReloadFailed: {is: "the proxy's changed configuration is good, but the reload failed", do: "`systemctl status` and `journalctl -u` of its unit"},
	ReasonConfChanged:      {is: "the proxy's configuration was changed, and is not tested here", do: "test it, then `systemctl reload` the proxy's unit"},
	ReasonConfLoaded:       {is: "somebody had the proxy read its changed configuration"},
	ReasonConfRestored:     {is: "the proxy's configuration on the disk is again the one that is in force"},
	ReasonConfUnwatched:    {is: "the proxy's configuration cannot be watched", do: "what is wrong with it is above; write fewer places under watch:"},

	// Why a hook reassert ran.
	ReasonPeriodic:     {is: "the time of the hook reassert has come"},
	ReasonConflictOver: {is: "another node held the addresses as well, and does no more"},
	ReasonAddressBack:  {is: "addresses that somebody removed were put back"},

	// Why a router changed its state.
	vrrp.ReasonStarted:       {is: "this node takes part again, and listens first"},
	vrrp.ReasonOwner:         {is: "this node has priority 255: the addresses are its own"},
	vrrp.ReasonPeerSilent:    {is: "the other node was not heard for too long"},
	vrrp.ReasonPeerEnded:     {is: "the other node's daemon has ended, as its kernel says, and its gate is shut"},
	vrrp.ReasonPeerReleased:  {is: "the other node gave the addresses up"},
	vrrp.ReasonAlone:         {is: "nobody was heard since this node started"},
	vrrp.ReasonPreempts:      {is: "this node has a higher priority than the one that held the addresses"},
	vrrp.ReasonHigherAdvert:  {is: "a node with a higher priority took the addresses"},
	vrrp.ReasonHigherAddress: {is: "both nodes held the addresses with the same priority, and the higher address wins"},
	vrrp.ReasonOutranked:     {is: "this node's priority fell below the other one's"},
	vrrp.ReasonUnclaimed:     {is: "this node gave the addresses up, but the other one did not take them"},
	vrrp.ReasonGroup:         {is: "another router of the group gave its addresses up"},
	vrrp.ReasonRestarts:      {is: "this daemon ends, and another one goes on: the addresses stay for a bounded time"},
	vrrp.ReasonResumed:       {is: "this daemon goes on where the one before it left"},
	vrrp.ReasonPaused:        {is: "this daemon did not run for too long, so that the other node may hold the addresses by now"},

	// What a router noted: vrrp.Reason.Remedy says what to do.
	vrrp.ReasonLowerAdvert:     {is: "another node with a lower priority holds the addresses as well"},
	vrrp.ReasonOwnerConflict:   {is: "two nodes have priority 255"},
	vrrp.ReasonIntervalAdopted: {is: "the other node advertises at another interval, which is followed"},
	vrrp.ReasonIntervalRefused: {is: "the other node advertises at another interval, which version 2 does not allow"},
	vrrp.ReasonAddressList:     {is: "the other node has another list of addresses"},
	vrrp.ReasonForeignRouter:   {is: "another pair uses the same vrid"},
	vrrp.ReasonOwnAdvert:       {is: "an advert of this node came back to it"},
	vrrp.ReasonAddressAnswered: {is: "nobody is heard, but somebody still answers for an address: it is waited for"},
	vrrp.ReasonAddressContest:  {is: "an address was taken though somebody else still answered for it"},
	vrrp.ReasonAddressClaimed:  {is: "somebody else announced an address that is held here"},
	vrrp.ReasonAddressVanished: {is: "somebody removed an address that is held here; it was put back"},
	vrrp.ReasonGateShut:        {is: "the kernel shut the gate of an address that is held here, since it was not renewed in time: it was opened again"},
}

// rulings has what the arbiter may follow on the evidence that a node gathers. The ends of
// one are what ends the waiting of a Backup that would take the addresses.
var rulings = map[fencing.Rule]meaning{
	// Of a Backup.
	fencing.RulePeerHolds: {is: "the other node advertises", ends: "it falls silent or gives the addresses up"},
	fencing.RuleVRRPBroken: {
		is:   "the other node holds the addresses and says so by heartbeat, but its adverts do not come",
		ends: "the other node gives them up, or falls silent on every link of the heartbeat",
		do:   "look for a firewall that drops protocol 112 (`nft list ruleset`, `firewall-cmd --list-all`), on both nodes",
	},
	fencing.RuleBetter: {
		is:   "the other node holds the addresses though it is worse off than this one, and its adverts do not come",
		ends: "the other node gives them up, or falls silent on every link of the heartbeat",
		do:   "look for a firewall that drops protocol 112, on both nodes, and mend the other node",
	},
	fencing.RuleWaitSeen:  {is: "nobody holds the addresses, but the other node may not know that this one has given them up", ends: "its next heartbeat says that it does"},
	fencing.RuleWaitFirst: {is: "nobody holds the addresses, and the other node comes first", ends: "it does not take them for the time of a silence: then I do"},
	fencing.RuleListen:    {is: "nothing comes from the other node, though not for long enough", ends: "the silence lasts: then I take them if my gateway answers"},
	fencing.RuleDoubtful: {
		is:   "nobody is heard, and the gateway has not answered since: perhaps it is this node that has been cut off",
		ends: "the gateway answers: then I take them; if it does not, I am FAULT (isolated)",
	},
	fencing.RuleIsolated: {
		is:   "neither the other node nor the gateway answers: this node has been cut off",
		ends: "the gateway or the other node answers",
		do:   "look at this node's cable, switch port and `ip route`",
	},
	fencing.RuleFence: {
		is:   "nobody is heard, and nothing is taken before the other node is fenced",
		ends: "the fence says that the other node is off: then I take them",
	},
	fencing.RuleUnfenced: {
		is:   "nobody is heard, and the other node could not be fenced: perhaps it holds the addresses",
		ends: "the other node is heard again, a later shot succeeds, or an operator makes sure that it is off",
		do:   "switch the other node off, then `pairkeeper fence --acknowledge` with its name",
	},
	fencing.RuleUnseen: {
		is:   "the other node has not been heard since this daemon began: it is not fenced for that, and nothing is taken from it",
		ends: "the other node is heard, or an operator makes sure that it is off",
		do:   "start the other node; if it has to stay off, `pairkeeper fence --acknowledge` with its name",
	},
	fencing.RuleFree:   {is: "the other node stands by, and this one comes first"},
	fencing.RuleMissed: {is: "the other node came first, and did not take the addresses"},
	fencing.RulePeerAlive: {
		is:   "nothing comes from the other node, but it answers for the addresses: it is alive, and what connects the nodes is blocked",
		ends: "it does not answer any more: then I take them",
		do:   "look for a firewall that drops protocol 112 and the heartbeat, on both nodes; if its daemon is dead, its kernel lets go by itself",
	},
	fencing.RulePeerSick: {
		is:   "nothing comes from the other node, its proxy does not answer, and its kernel should have let go of the addresses, but has not",
		ends: "it does not answer any more, or it has been fenced: then I take them",
		do:   "look at the other node; if nothing there can be mended, switch it off",
	},
	fencing.RuleStranger: {
		is:   "a host that is not of this pair has the addresses",
		ends: "it does not answer any more: then I take them; or with on_foreign_vip: contest",
		do:   "find the host by its MAC address (`ip neigh`, the switch's table), and take the address away there",
	},
	fencing.RuleUnclaimed: {is: "nobody is heard, and the gateway answers"},
	fencing.RuleEnded:     {is: "the other node's daemon has ended, as its kernel says, and the gateway answers"},
	fencing.RuleAwaits: {
		is:   "nothing is heard of the other node, and the third vote has been asked for",
		ends: "the vote is granted: then I take them",
	},
	fencing.RuleNoVote: {
		is:   "nothing is heard of the other node, and there is no vote that would let this one take the addresses (prefer: consistency)",
		ends: "a majority of the witnesses, or the disk, grants me the lease, or the other node is heard and does not hold",
		do:   "see in `pairkeeper status` which witness does not answer, and bring it back; if the other node is down for certain, set prefer: availability here and reload",
	},
	fencing.RuleRefused: {
		is:   "the third vote is the other node's, though nothing is heard of it",
		ends: "its lease runs out or is returned: then I take them",
		do:   "look for what keeps the nodes from hearing each other: `pairkeeper status` shows the links and who has the lease",
	},
	fencing.RuleVoted: {is: "nothing is heard of the other node, and the third vote, the tiebreak or a fence allows this one to take the addresses"},

	// Of a holder.
	fencing.RuleExpired: {
		is: "this node heard nothing of the other one and had no vote either (prefer: consistency)",
		do: "look for what this node does not reach: the other node, the witnesses, the disk (`pairkeeper status`)",
	},
	fencing.RuleHolds:    {is: "nobody else holds the addresses"},
	fencing.RuleWaitBoth: {is: "the other node holds the addresses, too, and may not know yet that this one does"},
	fencing.RuleWins: {
		is: "the other node holds the addresses, too; this one comes first and keeps them",
		do: "look for what keeps the other node from hearing this one: a firewall, a switch",
	},
	fencing.RuleYields: {is: "both nodes held the addresses, and the other node comes first"},
	fencing.RuleDeaf: {
		is: "both nodes held the addresses, and the other node does not hear this one",
		do: "look for what drops packets in one direction: a firewall, a switch, a duplex mismatch",
	},
	fencing.RuleWorse:    {is: "this node has lost its gateway, and the other node has not", do: "look at this node's cable, switch port and `ip route`"},
	fencing.RuleFrozen:   {is: "the addresses would have been given up, but an operator has frozen the pair, or forced them here", do: "mend what is wrong here, then `pairkeeper freeze off`, or `pairkeeper handover` of what was forced"},
	fencing.RuleHanded:   {is: "an operator handed the addresses over to the other node"},
	fencing.RuleAsked:    {is: "the other node stands by, comes first, and asked for the addresses"},
	fencing.RuleHandOver: {is: "the other node stands by and is better off"},
}

// meaningOf is that of a reason, or of a rule of the arbiter that is a reason.
func meaningOf(r vrrp.Reason) meaning {
	if m, ok := meanings[r]; ok {
		return m
	}
	return rulings[fencing.Rule(r)]
}

// Meaning says in a clause what a reason of this package, of vrrp or of the arbiter is about.
func Meaning(r vrrp.Reason) string { return meaningOf(r).is }

// Remedy says what an operator can do about a reason; empty: nothing needs to be done.
func Remedy(r vrrp.Reason) string {
	if do := meaningOf(r).do; do != "" {
		return do
	}
	return r.Remedy()
}

// KeepsOut tells that a reason is one for INIT or FAULT that lasts.
func KeepsOut(r vrrp.Reason) bool { return meanings[r].ends != "" }
