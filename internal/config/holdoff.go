package config

import (
	"time"

	"gopkg.in/yaml.v3"
)

const untilCleared = "until_cleared"

// loser is what follows for the node that lost a conflict.
type loser struct {
	stop    bool          // on_conflict: stop_proxy
	holdOff time.Duration // it stays out for that time
	cleared bool          // it stays out until an operator clears it
}

// readLoser reads on_conflict: and hold_off:.
func (d *Document) readLoser(f fields) {
	l := &d.arbitration.loser
	if v, ok := f.keys["hold_off"]; ok {
		v.expect(form{"enum": []string{untilCleared}})
		if l.cleared = v.node.Kind == yaml.ScalarNode && v.node.Value == untilCleared; !l.cleared {
			f.duration("hold_off", &l.holdOff, 0, 24*time.Hour)
		}
	}
	v, ok := f.keys["on_conflict"]
	if !ok {
		return
	}
	word, _ := v.one("release", "stop_proxy")
	l.stop = word == "stop_proxy"
	switch {
	case l.stop && l.holdOff == 0 && !l.cleared:
		v.errorf("needs hold_off:, such as hold_off: 30s: the proxy is stopped for that time")
	case l.stop && d.proxy == nil:
		v.errorf("needs proxy:, there is none to stop")
	}
}

func (l *loser) tree(t tree) {
	word := "release"
	if l.stop {
		word = "stop_proxy"
	}
	t.set("on_conflict", text(word))
	if l.cleared {
		t.set("hold_off", text(untilCleared))
	} else {
		t.set("hold_off", duration(l.holdOff))
	}
}
