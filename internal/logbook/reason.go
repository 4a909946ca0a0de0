package logbook

import "github.com/pairkeeper/pairkeeper/vrrp"

// What the daemon itself notes, beside what the deciders note.
const (
	Begins          vrrp.Reason = "begins"            // the daemon, before anything else
	Ends            vrrp.Reason = "ends"              // in order, after everything else
	BreaksOff       vrrp.Reason = "breaks-off"        // with an error
	Cleaned         vrrp.Reason = "cleaned"           // a dead daemon's addresses were taken away
	ConfigApplied   vrrp.Reason = "config-applied"    // a reload changed something
	ConfigRefused   vrrp.Reason = "config-refused"    // a reload changed nothing: the file is bad
	ConfigWarning   vrrp.Reason = "config-warning"    // the file is good, but not all is as it seems
	ConfigPending   vrrp.Reason = "config-pending"    // the file changed, and somebody has to reload
	ConfigUnwatched vrrp.Reason = "config-unwatched"  // changes of the file are noticed late, or not at all
	AdvertRefused   vrrp.Reason = "advert-refused"    // vrrp.Refusal says why
	SendFailed      vrrp.Reason = "send-failed"       // an advert or an announcement
	ReceiveFailed   vrrp.Reason = "receive"           // a socket does not give what came
	SocketFailed    vrrp.Reason = "socket"            // an interface cannot be listened on
	LinkUnknown     vrrp.Reason = "link-unknown"      // the kernel does not tell an interface's state
	VIPStays        vrrp.Reason = "vip-stays"         // the kernel does not take an address away
	GateFailed      vrrp.Reason = "gate-failed"       // the kernel does not do what the gate wants
	GateMended      vrrp.Reason = "gate-mended"       // somebody had removed the gate
	GateUnsupported vrrp.Reason = "gate-unsupported"  // the lifetime alone guards the addresses
	IPVSFailed      vrrp.Reason = "ipvs-failed"       // the kernel has no IPVS, or refuses a change
	IPVSMended      vrrp.Reason = "ipvs-mended"       // somebody had changed what is ours
	Timing          vrrp.Reason = "timing"            // no real-time priority
	NoControlSocket vrrp.Reason = "no-control-socket" // status and reload do not work
	NoMetrics       vrrp.Reason = "no-metrics"        // their address cannot be listened on
	NoStatusPage    vrrp.Reason = "no-status-page"    // its address cannot be listened on
	EndIncomplete   vrrp.Reason = "end-incomplete"    // what does not end within its time is left
	RecordsLost     vrrp.Reason = "records-lost"      // the log did not take them
	RecorderFailed  vrrp.Reason = "recorder-failed"   // the flight recorder cannot write
	Suppressed      vrrp.Reason = "suppressed"        // too many different records within a minute
)

// What a witness notes.
const (
	WitnessBegins   vrrp.Reason = "witness-begins"
	LeaseMoved      vrrp.Reason = "lease-moved"      // to another node, or back
	QuestionRefused vrrp.Reason = "question-refused" // not of a pair that it knows
)

// What the hands note: of hooks and receivers, and of a proxy that is a child.
const (
	HookAgreed      vrrp.Reason = "hook-agreed"      // one that might have vetoed
	HookFailed      vrrp.Reason = "hook-failed"      // not run, ended with an error or too late
	HookSkipped     vrrp.Reason = "hook-skipped"     // not told of a transition
	NotifyDelivered vrrp.Reason = "notify-delivered" // after a failure
	NotifyDropped   vrrp.Reason = "notify-dropped"   // the receiver takes nothing
	NotifyFailed    vrrp.Reason = "notify-failed"    // tried again, or given up
	ProxyNotStarted vrrp.Reason = "proxy-not-started"
	ProxyEnded      vrrp.Reason = "proxy-ended"
	ProxyCutOff     vrrp.Reason = "proxy-cut-off"   // it was not done within its time
	SignalPassed    vrrp.Reason = "signal-passed"   // an operator's, for the proxy
	SignalFailed    vrrp.Reason = "signal-failed"   // the same, without effect
	StopUnrecorded  vrrp.Reason = "stop-unrecorded" // that it was we who stopped the proxy
)
