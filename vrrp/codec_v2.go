package vrrp

import (
	"fmt"
	"time"
)

// The bytes that version 2 has to itself (RFC 3768 5.1).
const (
	offAuthTypeV2 = 4
	offIntervalV2 = 5

	maxIntervalV2 = 255 * time.Second
)

// appendFieldsV2 appends the auth type and the interval in seconds (RFC 3768 5.3.6,
// 5.3.7).
func appendFieldsV2(b []byte, auth Auth, interval time.Duration) []byte {
	return append(b, byte(auth.Type), byte(interval/time.Second))
}

// intervalV2 reads the Advertisement Interval (RFC 3768 5.3.7).
func intervalV2(msg []byte) time.Duration {
	return time.Duration(msg[offIntervalV2]) * time.Second
}

func writableIntervalV2(interval time.Duration) error {
	if interval < time.Second || interval > maxIntervalV2 || interval%time.Second != 0 {
		return fmt.Errorf("interval %s: VRRPv2 carries whole seconds, 1s to 255s; choose one or use version 3", interval)
	}
	return nil
}
