package ipvsnet

// The commands and attributes of linux/ip_vs.h that the codec uses.
const (
	cmdGetService = 4
	cmdNewDest    = 5
	cmdSetDest    = 6
	cmdDelDest    = 7
	cmdGetDest    = 8
	cmdNewDaemon  = 9
	cmdDelDaemon  = 10
	cmdGetDaemon  = 11
	cmdGetConfig  = 13

	attrService       = 1
	attrDest          = 2
	attrDaemon        = 3
	attrTimeoutTCP    = 4
	attrTimeoutTCPFin = 5
	attrTimeoutUDP    = 6

	svcFamily    = 1
	svcProtocol  = 2
	svcAddress   = 3
	svcPort      = 4
	svcMark      = 5
	svcScheduler = 6
	svcFlags     = 7
	svcTimeout   = 8
	svcNetmask   = 9
	svcStats     = 10
	svcEngine    = 11
	svcStats64   = 12

	destAddress    = 1
	destPort       = 2
	destForward    = 3
	destWeight     = 4
	destUpper      = 5
	destLower      = 6
	destActive     = 7
	destInactive   = 8
	destPersistent = 9
	destStats      = 10
	destFamily     = 11
	destStats64    = 12
	destWrap       = 13
	destWrapPort   = 14
	destWrapFlags  = 15

	daemonState     = 1
	daemonInterface = 2
	daemonID        = 3

	statsConnections = 1
	statsPacketsIn   = 2
	statsPacketsOut  = 3
	statsBytesIn     = 4
	statsBytesOut    = 5
	statsCPS         = 6
	statsPPSIn       = 7
	statsPPSOut      = 8
	statsBPSIn       = 9
	statsBPSOut      = 10
)

// The flags of a service.
const (
	flagPersistent = 0x1
	flagOnePacket  = 0x4
	flagScheduler1 = 0x8 // and the next two
	forwardMask    = 0x7 // of a server's flags
)
