package vrrp

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The interval of version 3: 12 bits of centiseconds below 4 reserved bits, which are
// 0 when sent and ignored when received (RFC 9568 5.2.6, 5.2.7).
const (
	offIntervalV3  = 4
	intervalMaskV3 = 0x0fff

	centisecond   = 10 * time.Millisecond
	maxIntervalV3 = intervalMaskV3 * centisecond
)

// appendFieldsV3 appends the reserved bits and the Max Advertise Interval.
func appendFieldsV3(b []byte, interval time.Duration) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(interval/centisecond))
}

// intervalV3 reads the Max Advertise Interval.
func intervalV3(msg []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint16(msg[offIntervalV3:])&intervalMaskV3) * centisecond
}

func writableIntervalV3(interval time.Duration) error {
	if interval < centisecond || interval > maxIntervalV3 || interval%centisecond != 0 {
		return fmt.Errorf("interval %s: VRRPv3 carries steps of 10ms, 10ms to 40.95s; choose one", interval)
	}
	return nil
}
