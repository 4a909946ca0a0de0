package sim

import (
	"testing"
	"time"
)

// TestStormsOfOperators: whatever else happens, an operator's orders make no second holder.
func TestStormsOfOperators(t *testing.T) {
	linked := func(p *Pair) { p.Heartbeat = 200 * time.Millisecond }
	storms(t, operatorFaults, 5*time.Millisecond, linked)
	storms(t, operatorFaults, 5*time.Millisecond, linked, func(p *Pair) { p.Hook, p.Group = true, true })
}
