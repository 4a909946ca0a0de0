package config

import (
	"time"

	"github.com/pairkeeper/pairkeeper/supervisor"
)

const (
	defaultFlapWindow      = 10 * time.Minute
	defaultPreemptDelayMax = 10 * time.Minute
)

// readDamping reads what lengthens preempt_delay for a node that fails again and again.
func readDamping(f fields, s *supervisor.Router) {
	s.FlapWindow, s.PreemptDelayMax = defaultFlapWindow, max(defaultPreemptDelayMax, s.VRRP.PreemptDelay)
	f.duration("flap_window", &s.FlapWindow, 0, 24*time.Hour)
	if f.duration("preempt_delay_max", &s.PreemptDelayMax, 0, 24*time.Hour) && s.PreemptDelayMax < s.VRRP.PreemptDelay {
		f.keys["preempt_delay_max"].errorf("%s is less than preempt_delay: %s", printDuration(s.PreemptDelayMax), printDuration(s.VRRP.PreemptDelay))
	}
	for _, key := range []string{"flap_window", "preempt_delay_max"} {
		if f.has(key) && !s.VRRP.Preempt {
			f.keys[key].warnf("has no effect: preempt is false")
		}
	}
}
