package supervisor_test

import (
	"testing"
	"time"

	"github.com/pairkeeper/pairkeeper/fencing"
	"github.com/pairkeeper/pairkeeper/supervisor"
)

// notes keeps what is noted of the node itself.
func notes(words []string) (list []string) {
	for _, w := range words {
		if len(w) > 5 && w[:5] == "note " {
			list = append(list, w)
		}
	}
	return list
}

func TestADifferenceBetweenTheNodesIsToldOnceAndWhenItEnds(t *testing.T) {
	for reason, c := range map[string]struct {
		change func(*other)
		lasts  time.Duration
	}{
		"note peer-config-differs":  {func(o *other) { o.say.Config = 7 }, 5 * time.Second},
		"note peer-version-differs": {func(o *other) { o.say.Version = "2.0" }, 5 * time.Second},
		"note peer-clock-differs":   {func(o *other) { o.ahead = -3 * time.Second }, 10 * time.Second},
		"note peer-proxy-differs":   {func(o *other) { o.say.Proxy = 9 }, time.Minute},
	} {
		t.Run(reason, func(t *testing.T) {
			s, o := holding(t, linked(named(base()))), newOther(fencing.Standby, 100)
			o.say.Proxy, o.files = 8, 8
			s.wants(notes(s.beats(o, 2*time.Minute)))
			same, ahead := o.say, o.ahead
			c.change(o)
			s.wants(notes(s.beats(o, c.lasts-time.Second)))
			s.wants(notes(s.beats(o, 10*time.Minute)), reason)
			o.say, o.ahead = same, ahead
			s.wants(notes(s.beats(o, time.Minute)), "note peer-agrees-again")
			c.change(o)
			s.wants(notes(s.beats(o, c.lasts-time.Second)))
			o.say, o.ahead = same, ahead
			s.wants(notes(s.beats(o, time.Minute))) // it did not last
		})
	}
}

func TestAProxyWhoseFilesAreNotKnownDoesNotDiffer(t *testing.T) {
	s, o := holding(t, linked(named(base()))), newOther(fencing.Standby, 100)
	o.say.Proxy = 8
	s.wants(notes(s.beats(o, 5*time.Minute)))
	if v := s.node.View(s.now); v.Health.Verdict != supervisor.Healthy {
		t.Error(v.Health)
	}
}
