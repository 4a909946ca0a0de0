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
	AdvertRefused   vrrp.Reason = "advert-refused"    // vrrp.Refusal says why
	SendFailed      vrrp.Reason = "send-failed"       // an advert or an announcement
	ReceiveFailed   vrrp.Reason = "receive"           // a socket does not give what came
	SocketFailed    vrrp.Reason = "socket"            // an interface cannot be listened on
	LinkUnknown     vrrp.Reason = "link-unknown"      // the kernel does not tell an interface's state
	VIPStays        vrrp.Reason = "vip-stays"         // the kernel does not take an address away
	Timing          vrrp.Reason = "timing"            // no real-time priority
	NoControlSocket vrrp.Reason = "no-control-socket" // status and reload do not work
	EndIncomplete   vrrp.Reason = "end-incomplete"    // what does not end within its time is left
	RecordsLost     vrrp.Reason = "records-lost"      // the log did not take them
	Suppressed      vrrp.Reason = "suppressed"        // too many different records within a minute
)
