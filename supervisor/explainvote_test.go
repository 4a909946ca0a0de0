package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/vrrp"
)

func init() {
	waits := func(v fencing.Verdict, answers bool) func(t *testing.T) *script {
		return func(t *testing.T) *script {
			s := abandoned(t, fencing.Consistency, v)
			if !answers {
				s.voter = nil
			}
			s.asks(8 * time.Second)
			return s
		}
	}
	working = append(working,
		scene{"backup-whose-vote-is-refused", waits(fencing.VerdictRefused, true)},
		scene{"backup-without-a-vote", waits(fencing.VerdictGranted, false)},
		scene{"backup-whose-witness-has-just-begun", waits(fencing.VerdictBegun, true)},
		scene{"backup-that-waits-for-the-vote", func(t *testing.T) *script {
			s := abandoned(t, fencing.Consistency, fencing.VerdictGranted)
			s.voter = nil
			s.asks(700 * time.Millisecond)
			return s
		}},
		scene{"backup-that-hears-no-heartbeat-does-not-preempt", func(t *testing.T) *script {
			s := elects(t, electing(soon(base()), fencing.Consistency), fencing.VerdictRefused)
			for range 20 {
				s.tell(advertTo(electing(soon(base()), fencing.Consistency), "web", 100))
				s.asks(100 * time.Millisecond)
			}
			s.state("web", vrrp.Backup)
			return s
		}},
		scene{"backup-that-asks-for-the-addresses", func(t *testing.T) *script {
			cfg := electing(soon(base()), fencing.Consistency)
			s, o := elects(t, cfg, fencing.VerdictRefused), newOther(fencing.Holds, 50)
			for range 20 {
				s.hears(o, advertTo(cfg, "web", 50))
				s.beats(o, 200*time.Millisecond)
			}
			return s
		}},
		scene{"active-with-the-vote", waits(fencing.VerdictGranted, true)},
		scene{"backup-that-gave-way-to-the-vote", func(t *testing.T) *script {
			s := elects(t, electing(named(base()), fencing.Consistency), fencing.VerdictGranted)
			s.asks(2 * time.Second)
			s.voter = says(fencing.VerdictRefused, "lb02")
			s.asks(900 * time.Millisecond)
			return s
		}},
	)
}
